"""Lists, single objects and permissions agree, whatever somebody holds."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hanse_core.permissions import RULES, Operation, Permissions, Resource, Rule
from hanse_server.accounts import queries
from hanse_server.accounts.models import Organization, Role, User
from hanse_web.access import UserActor

Rules = st.frozensets(st.sampled_from(RULES))


@pytest.fixture
def world(make: Any, engine: Engine) -> Iterator[Session]:
    """Three organizations: alpha and beta in one collaboration, gamma alone; a user and a role in each."""
    places = [make.organization(name) for name in ("alpha", "beta", "gamma")]
    make.collaboration("first", places[:2])
    for place in places:
        make.user(f"user-{place.name}", place)
        make.role(f"role-{place.name}", place)
    with Session(engine) as session:
        yield session


def actor(session: Session, rules: frozenset[Rule]) -> UserActor:
    user = session.query(User).where(User.username == "user-alpha").one()
    collaborations, partners = queries.reach(session, user.organization_id)
    return UserActor(user.id, user.username, user.organization_id, collaborations, partners, Permissions(rules))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rules=Rules)
def test_an_organization_is_listed_exactly_when_it_may_be_viewed(world: Session, rules: frozenset[Rule]) -> None:
    one = actor(world, rules)
    listed = {row.id for row in world.scalars(queries.visible_organizations(one))}
    everything = world.query(Organization).all()
    allowed = {row.id for row in everything if one.may_for_organization(Resource.ORGANIZATION, Operation.VIEW, row.id)}
    assert listed == allowed


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rules=Rules)
def test_a_user_is_listed_exactly_when_it_may_be_viewed_or_is_oneself(world: Session, rules: frozenset[Rule]) -> None:
    one = actor(world, rules)
    listed = {row.id for row in world.scalars(queries.visible_users(one))}
    allowed = {
        row.id
        for row in world.query(User)
        if row.id == one.id or one.may_for_organization(Resource.USER, Operation.VIEW, row.organization_id)
    }
    assert listed == allowed


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rules=Rules)
def test_a_role_is_listed_exactly_when_it_may_be_viewed(world: Session, rules: frozenset[Rule]) -> None:
    one = actor(world, rules)
    listed = {row.id for row in world.scalars(queries.visible_roles(one))}
    may_view_some = one.permissions.widest(Resource.ROLE, Operation.VIEW) is not None
    allowed = {
        row.id
        for row in world.query(Role)
        if one.may_for_organization(Resource.ROLE, Operation.VIEW, row.organization_id)
        or (may_view_some and row.organization_id is None)
    }
    assert listed == allowed


def test_one_sees_ones_own_role_without_any_right_to_view_roles(make: Any, engine: Engine) -> None:
    alpha = make.organization("alpha")
    role = make.role("plain", alpha)
    user = make.user("una", alpha, roles=["plain"])
    one = UserActor(user.id, "una", alpha.id, frozenset(), frozenset({alpha.id}), Permissions(()))
    with Session(engine) as session:
        assert [row.id for row in session.scalars(queries.visible_roles(one))] == [role.id]
