"""Import files of v4: what they make, twice, and what they may not contradict."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hanse_core.command import main
from hanse_server.accounts.models import Organization, User
from hanse_server.collaborations.models import Collaboration, Node
from hanse_server.settings import Settings
from hanse_server.tasks.models import Run, Task

KEYS = ["123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174001"]


def content() -> dict[str, Any]:
    """What `v6 dev` writes, shortened."""
    place = {"domain": "alpha.example", "address1": "Road 1", "address2": None, "zipcode": 3511, "country": "NL"}
    user = {"username": "dev_admin", "firstname": "admin", "lastname": "robot", "password": "password"}
    return {
        "organizations": [
            {"name": "alpha", **place, "public_key": "LS0t", "users": [user]},
            {"name": "beta", **place, "public_key": None, "users": None},
        ],
        "collaborations": [
            {
                "name": "demo",
                "participants": [{"name": "alpha", "api_key": KEYS[0]}, {"name": "beta", "api_key": KEYS[1]}],
                "tasks": ["hello-world"],
                "encrypted": False,
                "domain": "alpha.example",
            }
        ],
    }


@pytest.fixture
def take(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Import a file; gives the exit code and what was printed."""

    def run(data: object, *options: str) -> tuple[int, str]:
        file = tmp_path / "import.yaml"
        file.write_text(yaml.safe_dump(data))
        code = main(["server", "import", str(file), "--database", settings.uri, *options])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


Take = Callable[..., tuple[int, str]]


def counts(session: Session) -> dict[str, int]:
    session.rollback()
    models = (Organization, User, Collaboration, Node, Task, Run)
    return {model.__name__: session.scalar(select(func.count()).select_from(model)) or 0 for model in models}


async def test_a_file_makes_a_federation_that_works(take: Take, session: Session, anonymous: Any) -> None:
    code, printed = take(content())
    assert code == 0
    assert counts(session) == {"Organization": 3, "User": 2, "Collaboration": 1, "Node": 2, "Task": 1, "Run": 2}
    assert "collaborations.domain" in printed, "what means nothing is named"
    login = await anonymous.post("/token/user", json={"username": "dev_admin", "password": "password"})
    assert login.status_code == 200
    for key in KEYS:
        assert (await anonymous.post("/token/node", json={"api_key": key})).status_code == 200
    node = session.scalars(select(Node).where(Node.organization.has(name="alpha"))).one()
    assert node.name == "alpha - demo Node"


def test_the_same_file_again_changes_nothing(take: Take, session: Session) -> None:
    take(content())
    before = counts(session)
    code, printed = take(content())
    assert code == 0
    assert counts(session) == before
    assert "there already" in printed


def test_a_dry_run_tells_and_changes_nothing(take: Take, session: Session) -> None:
    before = counts(session)
    code, printed = take(content(), "--dry-run")
    assert code == 0
    assert "nothing was changed" in printed
    assert "2  organizations added" in printed
    assert counts(session) == before


def test_a_file_may_be_the_beginning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, database = tmp_path / "import.yaml", tmp_path / "new.sqlite"
    file.write_text(yaml.safe_dump(content()))
    command = ["server", "import", str(file), "--database", f"sqlite:///{database}"]
    assert main([*command, "--dry-run"]) == 0
    assert "Log in as root" not in capsys.readouterr().out
    assert not database.exists()
    assert main(command) == 0
    assert "Log in as root" in capsys.readouterr().out


def test_a_contradiction_refuses_the_whole_file(take: Take, session: Session) -> None:
    take(content())
    before = counts(session)
    data = content()
    data["organizations"][1]["users"] = [{**data["organizations"][0]["users"].pop()}]
    data["collaborations"][0]["encrypted"] = True
    data["collaborations"][0]["participants"][0]["api_key"] = "123e4567-e89b-12d3-a456-426614174009"
    data["collaborations"][0]["participants"].append({"name": "omega", "api_key": KEYS[0]})
    data["organizations"].append({"name": "gamma"})
    code, printed = take(data)
    assert code == 1
    for told in (
        "belongs to alpha, not to beta",
        "differ about encryption",
        "has another API key",
        "no organization omega",
    ):
        assert told in printed
    assert counts(session) == before


def test_each_station_needs_a_key_of_its_own(take: Take) -> None:
    data = content()
    data["collaborations"][0]["participants"][1]["api_key"] = KEYS[0]
    code, printed = take(data)
    assert code == 1
    assert "beta needs an API key of its own" in printed


def test_what_is_wrong_in_a_file_is_named_by_its_place_without_passwords(take: Take) -> None:
    data = content()
    data["organizations"][0]["users"] = [{"password": "planted-secret"}]
    data["collaborations"][0]["participants"][0]["api_key"] = "nonsense"
    code, printed = take(data)
    assert code == 1
    assert "organizations.0.users.0.username" in printed
    assert "collaborations.0.participants.0.api_key" in printed
    assert "planted" not in printed


def test_users_may_get_roles_instead_of_all_rules(take: Take, session: Session) -> None:
    data = content()
    data["organizations"][0]["users"][0]["roles"] = ["Researcher"]
    assert take(data)[0] == 0
    user = session.scalars(select(User).where(User.username == "dev_admin")).one()
    assert [role.name for role in user.roles] == ["Researcher"]
    data["organizations"][1]["users"] = [{"username": "other", "password": "p", "roles": ["Emperor"]}]
    assert "there is no role Emperor" in take(data)[1]
