"""Rooms, flat settings and open sockets, without a network."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_core.permissions import Operation, Permissions, Resource, Rule, Scope
from hanse_server.live.allowance import Allowance
from hanse_server.live.connections import Connection, Connections
from hanse_server.live.presence import flattened
from hanse_server.live.rooms import joined, left, rooms_of
from hanse_web.access import ContainerActor, NodeActor, UserActor
from hanse_web.clock import FixedClock


def _user(*scopes: Scope) -> UserActor:
    rules = [Rule(Resource.EVENT, scope, Operation.RECEIVE) for scope in scopes]
    return UserActor(7, "alice", 2, frozenset({1, 2}), frozenset({2, 3}), Permissions(rules))


NODE = NodeActor(2, "alpha node", 2, frozenset({1}), frozenset({2, 3}), Permissions([]), collaboration_id=1)


def test_a_node_hears_its_collaboration_and_its_own_corner_of_it() -> None:
    assert rooms_of(NODE, [1, 2, 3]) == ["collaboration_1", "collaboration_1_organization_2"]


def test_only_the_widest_scope_of_a_user_counts() -> None:
    assert rooms_of(_user(Scope.GLOBAL, Scope.ORGANIZATION), [3, 1]) == ["collaboration_1", "collaboration_3"]
    assert rooms_of(_user(Scope.COLLABORATION, Scope.ORGANIZATION), []) == ["collaboration_1", "collaboration_2"]
    organizations = ["collaboration_1_organization_2", "collaboration_2_organization_2"]
    assert rooms_of(_user(Scope.ORGANIZATION), []) == organizations
    assert rooms_of(_user(), [1]) == []


def test_containers_hear_nothing() -> None:
    container = ContainerActor(2, "x", 2, frozenset({1}), frozenset(), Permissions([]), collaboration_id=1)

    assert rooms_of(container, [1]) == []


def test_the_lines_are_those_of_the_wire() -> None:
    assert joined(NODE, "collaboration_1") == "Node <alpha node> joined room <collaboration_1>"
    assert joined(_user(), "r") == "User <alice> joined room <r>"
    assert left(NODE, "collaboration_1") == "alpha node left room collaboration_1"


def test_an_identity_is_online_as_long_as_it_has_a_socket() -> None:
    connections = Connections()
    connection = Connection(NODE, ())

    assert connections.add("a", connection) is True
    assert connections.add("b", connection) is False
    assert connections.sids_of(NODE.id) == ["a", "b"]
    assert connections.remove("a") == (connection, False)
    assert connections.identities == {NODE.id}
    assert connections.remove("b") == (connection, True)
    assert connections.remove("b") == (None, False)
    assert connections.identities == set()


@pytest.mark.replays("18")
def test_settings_are_flat_texts_as_recorded(recording: Any) -> None:
    shared = {
        "encryption": False,
        "allowed_algorithms": "all",
        "database_labels": ["default", "second"],
        "database_types": {"db_type_default": "csv", "db_type_second": "sql"},
        "database_columns": {"columns_default": ["age", "sex"]},
    }
    recorded = [(row["key"], row["value"]) for row in recording("18")[0]["response"]["body"]["config"]]
    recorded[0] = ("encryption", "false")  # JSON text, where upstream leaves it to the database

    assert list(flattened(shared)) == recorded


TEXT = st.text(max_size=5)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=5)


@given(st.dictionaries(TEXT, VALUES | st.dictionaries(TEXT, VALUES)))
def test_whatever_a_node_sends_becomes_texts(data: dict[str, Any]) -> None:
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in flattened(data))


def test_a_burst_uses_up_what_an_even_rate_fills_again() -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    allowance = Allowance(clock, burst=4, per_second=2.0, remembered=2)
    assert [allowance.take(1) for _ in range(5)] == [True] * 4 + [False]
    assert allowance.take(2)
    clock.moment += timedelta(seconds=1)
    assert [allowance.take(1) for _ in range(3)] == [True, True, False]
    clock.moment += timedelta(days=1)
    assert [allowance.take(1) for _ in range(5)] == [True] * 4 + [False], "no more than a burst"
    for other in (3, 4):
        assert allowance.take(other)
    assert len(allowance._left) == 2, "no more are remembered"
