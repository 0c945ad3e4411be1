"""What a first and every later start put into the database."""

from pathlib import Path
from typing import Any

import bcrypt
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hanse_core.errors import Invalid
from hanse_core.permissions import DEFAULT_ROLES, RULE_IDS
from hanse_server.accounts.models import Identity, Organization, Role, Rule, User
from hanse_server.accounts.passwords import Passwords
from hanse_server.main import prepare
from hanse_server.settings import Settings
from hanse_server.settings.initial import HASH_VARIABLE, initial_root_hash
from hanse_web.db import make_engine


def test_a_first_start_makes_rules_roles_and_root_with_the_ids_of_the_protocol(session: Session) -> None:
    rules = session.scalars(select(Rule).order_by(Rule.id)).all()
    assert [rule.id for rule in rules] == sorted(RULE_IDS.values())
    roles = session.scalars(select(Role).order_by(Role.id)).all()
    assert [(role.id, role.name) for role in roles] == [(n, r.name) for n, r in enumerate(DEFAULT_ROLES, start=1)]
    assert {rule.id for rule in roles[0].rules} == set(RULE_IDS.values())
    assert {rule.id for rule in roles[3].rules} == {RULE_IDS[rule] for rule in DEFAULT_ROLES[3].rules}
    root = session.scalars(select(User)).one()
    assert (root.id, root.username, root.organization.id, root.organization.name) == (1, "root", 1, "root")


def test_the_invented_password_is_given_once_and_stored_only_as_hash(empty_uri: str) -> None:
    settings = Settings(uri=empty_uri)
    password = prepare(settings)
    assert password is not None
    assert len(password) >= 20
    assert prepare(settings) is None
    engine = make_engine(settings.uri)
    with Session(engine) as session:
        stored = session.scalars(select(User.password)).one()
    engine.dispose()
    assert stored.startswith("$argon2")
    assert password not in stored
    if empty_uri.startswith("sqlite"):
        assert password.encode() not in Path(empty_uri.removeprefix("sqlite:///")).read_bytes()


@pytest.mark.parametrize("kind", ["value", "file"])
async def test_the_hash_that_stock_deployments_set_for_root_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    hashed = bcrypt.hashpw(b"Initial-root-1", bcrypt.gensalt(4)).decode()
    (tmp_path / "hash").write_text(hashed + "\n")
    monkeypatch.setenv(HASH_VARIABLE, hashed if kind == "value" else "ignored")
    if kind == "file":
        monkeypatch.setenv(HASH_VARIABLE + "_FILE", str(tmp_path / "hash"))
    settings = Settings(uri=f"sqlite:///{tmp_path}/server.sqlite")
    assert prepare(settings) is None
    engine = make_engine(settings.uri)
    with Session(engine) as session:
        assert session.scalars(select(User.password)).one() == hashed
    engine.dispose()


EMPTY = bcrypt.hashpw(b"", bcrypt.gensalt(4)).decode()


NONE = {"word": "root", "short": "$2b$04$short", "no cost": "$2b$xx$" + "a" * 53, "empty": EMPTY}


@pytest.mark.parametrize("value", [*NONE.values(), "$2b$31$" + "a" * 53], ids=[*NONE, "years"])
def test_a_hash_for_root_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(Invalid, match=HASH_VARIABLE):
        initial_root_hash({HASH_VARIABLE: value})


def test_without_a_hash_for_root_there_is_none() -> None:
    assert initial_root_hash({}) is None
    assert initial_root_hash({HASH_VARIABLE: ""}) is None
    with pytest.raises(Invalid, match="cannot be read"):
        initial_root_hash({HASH_VARIABLE + "_FILE": "/nowhere"})


def test_a_later_start_sets_right_what_was_changed_and_leaves_the_rest(
    settings: Settings, session: Session, make: Any
) -> None:
    alpha = make.organization("alpha")
    make.role("special", alpha)
    session.execute(delete(Rule).where(Rule.id == 1))
    viewer = session.get(Role, 4)
    root = session.get(User, 1)
    assert viewer is not None
    assert root is not None
    viewer.rules, viewer.description, root.roles = [], "changed", []
    root.password, root.email = "kept", "root@alpha.example"
    session.commit()

    assert prepare(settings) is None

    session.expire_all()
    assert {rule.id for rule in viewer.rules} == {RULE_IDS[rule] for rule in DEFAULT_ROLES[3].rules}
    assert viewer.description == DEFAULT_ROLES[3].description
    assert [role.name for role in root.roles] == ["Root"]
    assert (root.password, root.email) == ("kept", "root@alpha.example")
    assert {rule.id for rule in root.roles[0].rules} == set(RULE_IDS.values())
    assert session.scalars(select(Role.name).where(Role.organization_id == alpha.id)).all() == ["special"]
    assert session.scalars(select(Organization.name).order_by(Organization.id)).all() == ["root", "alpha"]


def test_a_root_that_was_deleted_stays_deleted(settings: Settings, session: Session, make: Any) -> None:
    make.user("other", make.organization("alpha"), roles=["Root"])
    session.execute(delete(Identity).where(Identity.id == 1))
    session.commit()
    assert prepare(settings) is None
    assert session.scalars(select(User.username)).all() == ["other"]


async def test_hashes_have_at_least_the_recommended_parameters() -> None:
    passwords = Passwords(1)
    stored = await passwords.hash("Correct-horse-1")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.matches(stored, "Correct-horse-1")
    assert not await passwords.matches(stored, "Correct-horse-2")
    assert not passwords.is_outdated(stored)


@pytest.mark.parametrize("stored", [None, "", "$2b$12$nonsense", "plain text"])
async def test_what_is_no_hash_matches_nothing(stored: str | None) -> None:
    passwords = Passwords(1, memory=64, passes=1)
    assert not await passwords.matches(stored, "nobody's password")
    assert not await passwords.matches(stored, stored or "")
