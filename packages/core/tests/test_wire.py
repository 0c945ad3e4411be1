"""Bodies are strict about what they take, and quiet about secrets."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hanse_core.wire import accounts, collaborations, tasks
from hanse_core.wire.base import Body

TASK: dict[str, Any] = {"image": "i", "collaboration_id": 1, "organizations": [{"id": 2, "input": "e30="}]}
USER: dict[str, Any] = {"username": "alice", "email": "alice@alpha.example", "password": "Throw-away1!"}

REFUSED: list[tuple[type[Body], dict[str, Any], str]] = [
    (accounts.OrganizationCreate, {"name": ""}, "name"),
    (accounts.OrganizationCreate, {"name": "12"}, "name"),
    (accounts.OrganizationCreate, {"name": "x" * 129}, "name"),
    (accounts.OrganizationCreate, {"name": "alpha", "colour": "red"}, "colour"),
    (accounts.OrganizationCreate, {"name": None}, "name"),
    (accounts.UserCreate, {**USER, "username": "1x"}, "username"),
    (accounts.UserCreate, {**USER, "username": "al"}, "username"),
    (accounts.UserCreate, {**USER, "email": "nomail"}, "email"),
    (accounts.UserCreate, {**USER, "password": "Short1!"}, "password"),
    (accounts.UserCreate, {**USER, "password": "throw-away1!"}, "password"),
    (accounts.UserCreate, {**USER, "password": "THROW-AWAY1!"}, "password"),
    (accounts.UserCreate, {**USER, "password": "Throw-away!!"}, "password"),
    (accounts.UserCreate, {**USER, "password": "Throwaway11"}, "password"),
    (accounts.UserCreate, {**USER, "roles": [0]}, "roles"),
    (accounts.UserLogin, {"username": "alice"}, "password"),
    (accounts.UserLogin, {"username": "alice", "password": "x", "mfa_code": 123456}, "mfa_code"),
    (accounts.NodeLogin, {"api_key": "not-a-uuid"}, "api_key"),
    (collaborations.CollaborationCreate, {"name": "x", "organization_ids": [], "encrypted": True}, "organization_ids"),
    (collaborations.CollaborationCreate, {"name": "x", "organization_ids": [1]}, "encrypted"),
    (collaborations.NodePatch, {"ip": "nowhere"}, "ip"),
    (tasks.TaskCreate, {**TASK, "organizations": []}, "organizations"),
    (tasks.TaskCreate, {**TASK, "organizations": [{"id": 2}]}, "organizations"),
    (tasks.TaskCreate, {**TASK, "image": ""}, "image"),
    (tasks.TaskCreate, {"image": "i", "organizations": TASK["organizations"]}, ""),
    (tasks.TaskCreate, {**TASK, "databases": [{"label": "x", "path": "/etc"}]}, "databases"),
    (tasks.TaskCreate, {**TASK, "databases": ["default"]}, "databases"),
    (tasks.RunPatch, {"status": "almost done"}, "status"),
]


@pytest.mark.parametrize(("body", "fields", "where"), REFUSED)
def test_a_bad_body_is_refused_at_its_field(body: type[Body], fields: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        body.model_validate(fields)
    assert {str(error["loc"][0]) if error["loc"] else "" for error in caught.value.errors()} == {where}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (accounts.OrganizationCreate, {"name": "alpha"}),
        (accounts.UserCreate, {**USER, "organization_id": "2", "roles": [1]}),
        (accounts.NodeLogin, {"api_key": "0a7c1a9e-1111-4222-8333-444455556666"}),
        (collaborations.CollaborationCreate, {"name": "x", "organization_ids": ["1"], "encrypted": "yes"}),
        (tasks.TaskCreate, {**TASK, "name": "", "databases": None}),
        (tasks.TaskCreate, {**TASK, "organizations": [{"id": 2, "input": "e30=", "name": "ignored"}]}),
        (tasks.TaskCreate, {"image": "i", "study_id": 1, "organizations": TASK["organizations"]}),
        (tasks.RunPatch, {"started_at": "2026-11-24T02:01:43", "status": "non-existing Docker image"}),
        (tasks.RunPatch, {"finished_at": "2026-11-24T02:01:43.626544+00:00"}),
    ],
)
def test_what_stock_clients_send_is_taken(body: type[Body], fields: dict[str, Any]) -> None:
    assert body.model_validate(fields).model_fields_set == set(fields)


def test_a_patch_gives_what_was_named_and_is_not_null() -> None:
    patch = accounts.OrganizationPatch.model_validate({"name": "beta", "country": None})
    assert patch.given() == {"name": "beta"}


def test_a_database_gives_what_was_selected_beyond_its_label() -> None:
    step = {"function": "select_columns", "parameters": {"columns": ["age"]}}
    selection = tasks.DatabaseSelection.model_validate({"label": "default", "preprocessing": [step]})
    assert selection.parameters() == {"preprocessing": [step]}


def test_an_item_keeps_fields_that_it_does_not_know() -> None:
    rule = {"id": 1, "name": "task", "scope": "OWN", "operation": "VIEW", "description": "d", "users": "/api/user"}
    assert accounts.Rule.model_validate({**rule, "colour": "red"}).model_dump() == {**rule, "colour": "red"}


def test_an_item_shows_what_a_person_looks_for() -> None:
    lists = dict.fromkeys(["collaborations", "nodes", "users", "tasks", "runs", "studies"], "/api/x?y=1")
    shown = accounts.Organization.model_validate({"id": 2, "name": "alpha", "country": "NL", **lists})
    assert repr(shown) == "Organization(id=2, name='alpha', country='NL')"
    link = {"id": 1, "link": "/api/collaboration/1", "methods": ["GET"]}
    study = collaborations.Study.model_validate(
        {"id": 1, "name": "pair", "collaboration": link, "organizations": "/api/x", "tasks": "/api/y"}
    )
    assert repr(study) == "Study(id=1, name='pair', collaboration=Link(id=1))"


def test_secrets_are_neither_shown_nor_told_in_errors() -> None:
    shown = [
        accounts.UserLogin(username="alice", password="planted", mfa_code="planted"),
        accounts.UserCreate(**{**USER, "password": "Planted.1"}),
        accounts.UserTokens(access_token="planted", refresh_token="planted", refresh_url="/r", user_url="/u"),
        accounts.NodeTokens(access_token="planted", refresh_token="planted", refresh_url="/r", node_url="/n"),
        accounts.ContainerToken(container_token="planted"),
    ]
    assert "planted" not in "".join(map(repr, shown)).lower()
    with pytest.raises(ValidationError) as caught:
        accounts.UserCreate.model_validate({**USER, "password": "planted"})
    assert "planted" not in str(caught.value)
