"""Errors go over the wire and come back as themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_core import errors
from hanse_core.errors import HanseError, from_wire, to_wire

CLASSES = [
    errors.Invalid,
    errors.Unauthenticated,
    errors.Denied,
    errors.WrongIdentity,
    errors.NotFound,
    errors.Conflict,
    errors.TooLarge,
    errors.Malformed,
    errors.Unavailable,
]


@given(
    st.sampled_from(CLASSES),
    st.text(min_size=1),
    st.dictionaries(st.text(), st.lists(st.text(), min_size=1)),
)
def test_an_error_comes_back_as_it_was_raised(kind: type[HanseError], text: str, fields: dict[str, list[str]]) -> None:
    raised = kind(text, errors=fields)
    back = from_wire(raised.status, to_wire(raised))
    assert type(back) is kind
    assert (back.message, back.errors, back.status) == (text, fields, kind.status)


def test_codes_tell_apart_what_shares_a_status() -> None:
    assert errors.Denied.status == errors.Unauthenticated.status == 401
    assert len({kind.code for kind in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (401, {"msg": "Failed to login"}, errors.Unauthenticated, "Failed to login"),
        (404, {"msg": "no"}, errors.NotFound, "no"),
        (400, {"message": "not JSON"}, errors.Invalid, "not JSON"),
        (405, {"message": "method"}, HanseError, "method"),
        (502, "<html>", HanseError, "the server answered 502 without a reason"),
        (503, None, errors.Unavailable, "the server answered 503 without a reason"),
        (500, {"msg": "broken", "code": "from-the-future"}, HanseError, "broken"),
        (400, {"msg": "x", "errors": ["not", "a", "mapping"]}, errors.Invalid, "x"),
    ],
)
def test_what_stock_servers_and_proxies_send_is_read_too(
    status: int, body: object, kind: type[HanseError], text: str
) -> None:
    error = from_wire(status, body)
    assert type(error) is kind
    assert (error.message, error.status, error.errors) == (text, status, {})


def test_the_wire_form_has_a_text_for_stock_peers() -> None:
    assert to_wire(errors.NotFound("no task 5")) == {"msg": "no task 5", "code": "not-found"}
    assert to_wire(errors.Invalid("bad", errors={"name": ["taken"]}))["errors"] == {"name": ["taken"]}
