"""What may leave the station, and what is said about what may not."""

import json

import pytest

from hanse_node.policy.calls import Call, read
from hanse_node.policy.decision import terms
from hanse_node.policy.model import Policies
from hanse_node.policy.results import ResultRefused, checked

CANARY = "PATIENT-4711"
SCHEMA = {
    "type": "object",
    "properties": {"count": {"type": "integer"}, "groups": {"additionalProperties": {"minimum": 10}}},
    "additionalProperties": False,
}


def out(output: bytes, **results: object) -> bytes:
    policy = Policies.model_validate({"allowed_algorithms": "x", "results": results})
    return checked(output, terms(policy, "x"))


def test_without_limits_the_bytes_stay_as_they_are() -> None:
    assert out(b" any \xff bytes") == b" any \xff bytes"


def test_a_result_that_is_too_long_does_not_leave() -> None:
    assert out(b"12345", max_bytes=5) == b"12345"
    with pytest.raises(ResultRefused, match="6 bytes; the policy of this station lets out at most 5"):
        out(b"123456", max_bytes=5)


@pytest.mark.parametrize(
    "output",
    [
        json.dumps({"count": CANARY}),
        json.dumps({CANARY: 1}),
        json.dumps({"groups": {CANARY: 3}}),
        f'{{"count": "{CANARY}", "count": 1}}',
        CANARY,
        f'"{CANARY}',
        '{"count": NaN}',
        "[" * 100_000,
    ],
)
def test_what_does_not_fit_the_schema_stays_here_and_nothing_of_it_is_told(output: str) -> None:
    with pytest.raises(ResultRefused) as refused:
        out(output.encode(), schema=SCHEMA)
    assert CANARY not in str(refused.value)


def test_what_fits_is_written_anew_so_that_nothing_hides_in_its_blanks() -> None:
    assert out(b'  {"count" :\t1,\n "groups": {"a": 12}}   ', schema=SCHEMA) == b'{"count":1,"groups":{"a":12}}'


def test_both_schemas_count_that_of_all_images_and_that_of_one() -> None:
    policy = Policies.model_validate(
        {
            "results": {"schema": {"type": "object"}},
            "per_image": [{"images": "x", "results": {"schema": {"required": ["count"]}}}],
        }
    )
    assert checked(b'{"count":1}', terms(policy, "x"))
    for output in (b"[]", b"{}"):
        with pytest.raises(ResultRefused):
            checked(output, terms(policy, "x"))


@pytest.mark.parametrize(
    ("payload", "call"),
    [
        (b'{"method": "f", "kwargs": {"a": 1}, "args": [2]}', Call("f", {"a": 1}, 1)),
        (b'{"method": "f"}', Call("f", {}, 0)),
        (b'{"method": 5}', Call(None, {}, 0)),
        (b'{"method": "g", "method": "f"}', Call()),
        (b'{"method": "f", "kwargs": []}', Call("f", {}, 0)),
        (b'{"method": "f", "kwargs": [1]}', Call()),
        (b"[]", Call()),
        (b"\xff", Call()),
        (b"[" * 100_000, Call()),
    ],
)
def test_the_input_tells_the_call_or_nothing(payload: bytes, call: Call) -> None:
    assert read(payload) == call
