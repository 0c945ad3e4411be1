"""What is made once for all with the same rights holds nothing of anybody's."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Select, column, or_, select, table

from hanse_core.permissions import RULES, Permissions
from hanse_web.access import Actor, ContainerActor, NodeActor, UserActor
from hanse_web.alike import made_once, values_of

_thing = table("thing", column("id"), column("place"), column("circle"))


def user(key: int, *circles: int, rules: Any = RULES[:3], session: str = "s") -> UserActor:
    return UserActor(
        key, f"user {key}", key + 100, frozenset(circles), frozenset({7}), Permissions(rules), session_id=session
    )


def seen(actor: Actor) -> Select[Any]:
    return select(_thing).where(
        or_(_thing.c.place == actor.organization_id, _thing.c.circle.in_(actor.collaboration_ids))
    )


def test_who_has_the_same_rights_gets_the_same_statement_with_other_values() -> None:
    shared = made_once(seen)
    alice, bob = user(1, 11, 12), user(2, 13, session="another")
    assert shared(alice) is shared(bob)
    assert ":actor_organization_id" in str(shared(alice))
    assert values_of(alice)["actor_organization_id"] == 101
    assert values_of(bob)["actor_collaboration_ids"] == frozenset({13})


def test_another_kind_or_other_rights_or_a_missing_id_make_another_statement() -> None:
    shared = made_once(seen)
    shown: dict[str, Any] = {"collaboration_id": 1}
    node = NodeActor(1, "n", 1, frozenset({1}), frozenset(), Permissions(RULES[:3]), **shown)
    container = ContainerActor(1, "c", 1, frozenset({1}), frozenset(), Permissions(RULES[:3]), **shown)
    in_study = ContainerActor(1, "c", 1, frozenset({1}), frozenset(), Permissions(RULES[:3]), study_id=4, **shown)
    made = [shared(one) for one in (user(1), user(1, rules=RULES[:4]), node, container, in_study)]
    assert len({id(one) for one in made}) == len(made)


@given(first=st.builds(user, st.integers(0, 99), st.integers(), st.integers()))
def test_nothing_of_an_actor_is_in_what_others_get(first: UserActor) -> None:
    """Whatever ids there are, they are in the values and not in the statement."""
    taken: list[Actor] = []

    def make(actor: Actor) -> Select[Any]:
        taken.append(actor)
        return seen(actor)

    statement = made_once(make)(first)
    assert {bind.value for bind in statement.compile().binds.values()} == {None}
    assert taken[0].permissions.rules == first.permissions.rules
    assert taken[0].name != first.name
    for name in ("id", "organization_id", "collaboration_ids", "partner_ids"):
        assert getattr(taken[0], name).key == f"actor_{name}"
