"""The permission table against that of a fresh v4 database (`rules.csv`)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_core.permissions import (
    DEFAULT_ROLES,
    IDENTITY_ROLES,
    RULE_IDS,
    RULES,
    DefaultRole,
    Operation,
    Permissions,
    Resource,
    Rule,
    Scope,
)

with (Path(__file__).parent / "rules.csv").open() as file:
    TABLE = list(csv.DictReader(file))

rule_sets = st.frozensets(st.sampled_from(RULES))


def rule_of(row: dict[str, str]) -> Rule:
    return Rule(Resource(row["resource"]), Scope[row["scope"].upper()], Operation[row["operation"].upper()])


def test_there_are_86_rules_with_the_ids_of_v4() -> None:
    assert len(RULES) == len(set(RULES)) == 86
    assert {int(row["id"]): rule_of(row) for row in TABLE} == {id: rule for rule, id in RULE_IDS.items()}


@pytest.mark.parametrize("role", DEFAULT_ROLES[1:], ids=lambda role: role.name)
def test_default_roles_hold_what_they_hold_in_v4(role: DefaultRole) -> None:
    assert role.rules == {rule_of(row) for row in TABLE if row[role.name] == "x"}


def test_default_roles_come_in_the_order_of_their_ids() -> None:
    names = ["Root", "container", "node", "Viewer", "Researcher", "Organization Admin", "Collaboration Admin"]
    assert [role.name for role in DEFAULT_ROLES] == names
    assert DEFAULT_ROLES[0].rules == set(RULES)
    assert {"container", "node"} == IDENTITY_ROLES


def test_each_rule_says_in_words_what_it_allows() -> None:
    assert len({rule.description for rule in RULES}) == 86
    assert Rule(Resource.TASK, Scope.OWN, Operation.DELETE).description == "Delete tasks of one's own"


@given(rule_sets, st.sampled_from(list(Resource)), st.sampled_from(list(Operation)))
def test_reaching_a_scope_means_holding_it_or_a_wider_one(
    rules: frozenset[Rule], resource: Resource, operation: Operation
) -> None:
    permissions = Permissions(rules)
    held = [scope for scope in Scope if permissions.has(resource, operation, scope)]
    assert permissions.widest(resource, operation) == max(held, default=None)
    for scope in Scope:
        assert permissions.reaches(resource, operation, scope) == any(wider >= scope for wider in held)


@given(rule_sets, rule_sets)
def test_what_one_may_hand_on_is_what_one_reaches(own: frozenset[Rule], others: frozenset[Rule]) -> None:
    permissions = Permissions(own)
    assert permissions.covers(own)
    assert Permissions(RULES).covers(others)
    expected = all(permissions.reaches(rule.resource, rule.operation, rule.scope) for rule in others)
    assert permissions.covers(others) == expected


def test_without_rules_nothing_is_allowed() -> None:
    nobody = Permissions([])
    assert not any(nobody.reaches(rule.resource, rule.operation, rule.scope) for rule in RULES)
    assert nobody.covers([])
