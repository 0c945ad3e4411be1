"""Subtasks over real HTTP: against a proxy that holds, one that does not, and one that fails."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from hanse_algorithm import Answer, SubtaskFailed, central, federated
from hanse_algorithm.contract import claims
from hanse_algorithm.errors import EnvironmentFault, FederationError, InputError, ResultError
from hanse_algorithm.proxy import Patience, Proxy
from hanse_algorithm.remote import RemoteFederation, cause_in

if TYPE_CHECKING:
    import pandas as pd

Token = Callable[..., str]


@federated
def partial(data: pd.DataFrame, columns: list[str]) -> int:
    return len(data)


@central
def whole() -> int:
    return 1


LONG = Patience()


def at_once(seconds: float) -> None:
    """Do not wait: the tests count pauses, they don't take them."""


def federation(
    proxy: Any, token: str, sleep: Callable[[float], None] = at_once, patience: Patience = LONG
) -> RemoteFederation:
    return RemoteFederation(Proxy(proxy.url, token, sleep=sleep, patience=patience), claims(token))


def test_answers_come_in_the_order_of_the_organizations_whatever_the_order_of_the_lists(
    proxy: Any, make_token: Token
) -> None:
    answers = federation(proxy, make_token()).run(partial, columns=["age"])
    assert answers == [Answer(2, "alpha", 2), Answer(3, "beta", 3)]
    assert len(proxy.requests("/result")) == 2, "one page per result"


def test_the_order_that_was_asked_for_is_kept(proxy: Any, make_token: Token) -> None:
    answers = federation(proxy, make_token()).run(partial, organizations=[3, 2], columns=[])
    assert [answer.organization_id for answer in answers] == [3, 2]


def test_a_task_is_sent_as_the_wire_wants_it(proxy: Any, make_token: Token) -> None:
    federation(proxy, make_token(study_id=7, store_id=8)).start(partial, organizations=[3], columns=["äge"])
    sent = proxy.requests("/task", "POST")[0]
    body = json.loads(sent.body)
    assert sent.headers["Authorization"].startswith("Bearer ")
    assert len(sent.headers["Idempotency-Key"]) == 32
    assert proxy.input_of(1, 3) == {"method": "partial", "args": [], "kwargs": {"columns": ["äge"]}}
    assert [each["id"] for each in body.pop("organizations")] == [3]
    assert body == {
        "name": "partial",
        "description": "subtask of task 20",
        "image": "registry.example/algo:1",
        "collaboration_id": 1,
        "study_id": 7,
        "store_id": 8,
        "databases": [{"label": "default", "query": "q"}],
    }
    assert proxy.requests("/organization")[0].query["study_id"] == "7"


def test_without_study_and_store_they_are_left_out(proxy: Any, make_token: Token) -> None:
    federation(proxy, make_token()).start("partial", anything=1)
    assert not {"study_id", "store_id"} & set(proxy.tasks[1])
    assert proxy.requests("/organization")[0].query["collaboration_id"] == "1"


def test_several_subtasks_can_run_at_once_and_each_has_its_own_key(proxy: Any, make_token: Token) -> None:
    proxy.compute = lambda organization, task_input: task_input["kwargs"]["n"] * organization
    stations = federation(proxy, make_token())
    started = [stations.start("scale", n=n) for n in (1, 10)]
    assert [[answer.result for answer in stations.wait(each)] for each in started] == [[2, 3], [20, 30]]
    assert len({seen.headers["Idempotency-Key"] for seen in proxy.requests("/task", "POST")}) == 2


def test_the_blanks_before_a_held_status_are_skipped(proxy: Any, make_token: Token) -> None:
    proxy.blanks = 40
    assert len(federation(proxy, make_token()).run(partial, columns=[])) == 2
    assert len(proxy.requests("/task/1/status")) == 1


def test_a_proxy_that_does_not_hold_is_asked_with_a_growing_pause(proxy: Any, make_token: Token) -> None:
    proxy.statuses = ["pending", "initializing", *["active"] * 15, "completed"]
    pauses: list[float] = []
    federation(proxy, make_token(), pauses.append).run(partial, columns=[])
    assert len(pauses) == 17
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.1, 10.0)


def test_a_status_that_was_held_is_asked_again_at_once(
    proxy: Any, make_token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    proxy.statuses = ["active", "active", "completed"]
    pauses: list[float] = []
    federation(proxy, make_token(), pauses.append).wait(federation(proxy, make_token()).start(partial, columns=[]))
    assert pauses == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"msg": "Request failed, see node logs"}'),
        (502, b"<html>bad gateway</html>"),
        (503, b'{"msg": "draining"}'),
        (200, b""),
        (200, b"    "),
        (200, b'{"msg": "no status in here"}'),
        (200, b'["completed"]'),
        (0, b""),
    ],
)
def test_an_error_is_not_taken_for_the_end_of_the_task(
    proxy: Any, make_token: Token, fault: Any, status: int, body: bytes
) -> None:
    proxy.faults = [fault("/task/1/status", status, body)] * 3
    assert len(federation(proxy, make_token()).run(partial, columns=[])) == 2
    assert len(proxy.requests("/task/1/status")) == 4


def test_a_broken_answer_to_the_creation_is_repeated_with_the_same_key(
    proxy: Any, make_token: Token, fault: Any
) -> None:
    proxy.faults = [fault("/task", 0), fault("/task", 503, b"{}")]
    federation(proxy, make_token()).run(partial, columns=[])
    keys = [seen.headers["Idempotency-Key"] for seen in proxy.requests("/task", "POST")]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_line_that_goes_silent_counts_as_broken(proxy: Any, make_token: Token, fault: Any) -> None:
    proxy.faults = [fault("/organization", -1), fault("/task/1/status", -1)]
    patience = Patience(silence=0.2, held_silence=0.2)
    assert len(federation(proxy, make_token(), patience=patience).run(partial, columns=[])) == 2


def test_a_proxy_that_is_away_is_waited_for(proxy: Any, make_token: Token) -> None:
    proxy.stop()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            proxy.start()

    assert len(federation(proxy, make_token(), pause).run(partial, columns=[])) == 2
    assert len(pauses) == 3


def test_patience_with_a_proxy_that_stays_away_ends(proxy: Any, make_token: Token) -> None:
    proxy.stop()
    with pytest.raises(FederationError, match=r"gave up on GET /organization after 0 s: .*does not answer"):
        federation(proxy, make_token(), patience=Patience(unreachable=0)).run(partial, columns=[])


def test_patience_with_an_answer_that_stays_wrong_ends(proxy: Any, make_token: Token, fault: Any) -> None:
    proxy.faults = [fault("/run", 500, b'{"msg": "boom"}')] * 3
    with pytest.raises(FederationError, match="gave up on GET /run after 0 s: the answer was 500: boom"):
        federation(proxy, make_token(), patience=Patience(busy=0)).run(partial, columns=[])


def test_a_refusal_is_told_with_the_server_s_own_words(proxy: Any, make_token: Token, fault: Any) -> None:
    proxy.faults = [fault("/task", 401, b'{"msg": "Container-token is not valid"}')]
    with pytest.raises(FederationError, match=r"POST /task was refused \(401\): Container-token is not valid"):
        federation(proxy, make_token()).run(partial, columns=[])
    assert len(proxy.requests("/task", "POST")) == 1


def test_a_500_to_the_creation_is_not_repeated_because_v4_says_so_to_every_refusal(
    proxy: Any, make_token: Token, fault: Any
) -> None:
    proxy.faults = [fault("/task", 500, b'{"msg": "Request failed, see node logs"}')]
    with pytest.raises(FederationError, match="see node logs"):
        federation(proxy, make_token()).run(partial, columns=[])


def test_a_failed_subtask_names_organization_status_and_cause(proxy: Any, make_token: Token) -> None:
    proxy.failed = {3: ("crashed", "info > hello\nerror > unknown column 'agee'\nTraceback\n")}
    with pytest.raises(SubtaskFailed) as caught:
        federation(proxy, make_token()).run(partial, columns=["agee"])
    assert str(caught.value) == "subtask 'partial' failed at beta: crashed (unknown column 'agee')"
    assert caught.value.answers == [Answer(2, "alpha", 2)]


def test_those_that_still_run_when_another_failed_are_not_called_failed(proxy: Any, make_token: Token) -> None:
    proxy.failed = {2: ("active", ""), 3: ("not allowed", "")}
    with pytest.raises(SubtaskFailed, match=r"failed at beta: not allowed$") as caught:
        federation(proxy, make_token()).run(partial, columns=[])
    assert [failure.organization_id for failure in caught.value.failures] == [3]


def test_a_completed_run_without_a_result_is_a_failure(proxy: Any, make_token: Token) -> None:
    proxy.empty = {2}
    with pytest.raises(SubtaskFailed, match=r"alpha: completed \(it gave no result\)"):
        federation(proxy, make_token()).run(partial, columns=[])


def test_a_result_that_cannot_be_read_is_a_failure(proxy: Any, make_token: Token, fault: Any) -> None:
    item = {"run": {"id": 102}, "blob_storage_used": False, "result": "bm8ganNvbg=="}
    proxy.faults = [fault("/result", 200, json.dumps({"data": [item], "links": {}}).encode())]
    with pytest.raises(SubtaskFailed, match=r"alpha: completed \(its result is not JSON"):
        federation(proxy, make_token()).run(partial, organizations=[2], columns=[])


def test_an_organization_without_a_run_is_a_failure(proxy: Any, make_token: Token, fault: Any) -> None:
    proxy.faults = [fault("/run", 200, b'{"data": [], "links": {}}')]
    with pytest.raises(SubtaskFailed, match="beta: unknown error"):
        federation(proxy, make_token()).run(partial, organizations=[3], columns=[])


def test_with_a_blob_store_inputs_and_results_go_through_it(proxy: Any, make_token: Token) -> None:
    proxy.blobs = {}
    proxy.compute = lambda organization, task_input: task_input["kwargs"]
    answers = federation(proxy, make_token()).run(partial, columns=["age"])
    assert [answer.result for answer in answers] == [{"columns": ["age"]}] * 2
    uploads = proxy.requests("/blobstream", "POST")
    assert [seen.headers["X-Public-Key"] for seen in uploads] == ["QQ==", ""]


def test_a_server_that_knows_no_blob_store_has_none(proxy: Any, make_token: Token, fault: Any) -> None:
    proxy.faults = [fault("/blobstream/status", 404, b"<html>")]
    assert len(federation(proxy, make_token()).run(partial, columns=[])) == 2


@pytest.mark.parametrize(
    ("function", "arguments", "error", "message"),
    [
        (partial, {"colums": []}, InputError, "unexpected argument 'colums'"),
        (partial, {}, InputError, "missing argument 'columns'"),
        (partial, {"columns": [], "organizations": [9]}, InputError, r"organization 9 takes no part; there are: 2 \("),
        (partial, {"columns": [], "organizations": []}, InputError, "no organizations to ask"),
        (partial, {"columns": [], "organizations": [2, 2]}, InputError, "named twice"),
        (partial, {"columns": {"age"}}, ResultError, r"arguments\['columns'\] is a set"),
        (whole, {}, InputError, "'whole' is not a federated function"),
        (len, {}, InputError, "'len' is not decorated"),
    ],
)
def test_a_mistake_of_the_central_function_is_found_before_anything_is_sent(
    proxy: Any, make_token: Token, function: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        federation(proxy, make_token()).run(function, **arguments)
    assert proxy.tasks == {}


@pytest.mark.parametrize("url", ["", "proxyserver:80", "ftp://proxyserver", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(EnvironmentFault, match="give no address"):
        Proxy(url, "token")


def test_the_last_error_line_of_a_log_is_the_cause() -> None:
    assert cause_in("error > first\ninfo > error > no\nerror > second\n") == "second"
    assert cause_in("Traceback: something 'Anna'") == ""
    assert cause_in(None) == ""
    assert len(cause_in("error > " + "x" * 10_000)) == 500
