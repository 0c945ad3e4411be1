"""Composing tasks and opening their results."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from hanse import Answers, Client, TaskFailed
from hanse_core.errors import Invalid, NotFound, Unavailable

SUMMARY: dict[str, Any] = {"collaboration": "lung", "image": "hanse/summary", "method": "summary"}


def request_of(server: Any, index: int = -1) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(server.sent("POST", "task")[index].content)
    return body


async def test_columns_that_a_node_shares_are_there_at_once(client: Any, server: Any) -> None:
    server.columns = {"trial": ["age", "sex"]}
    assert await client.collaborations.columns("lung", "trial", organizations=["alpha"]) == ["age", "sex"]
    assert server.tasks == {}


@pytest.mark.parametrize("result", [["age", "sex"], {"columns": ["age", "sex"]}])
async def test_columns_that_nobody_shares_are_read_by_a_task(client: Any, server: Any, result: Any) -> None:
    server.on_status = lambda id: server.finish(id, {2: result})
    assert await client.collaborations.columns("lung", organizations=["alpha"]) == ["age", "sex"]
    (sent,) = server.sent("POST", "column")
    text = json.loads(sent.content)["organizations"][0]["input"]
    assert json.loads(base64.b64decode(text))["method"] == "column_headers"


async def test_names_become_ids_and_the_input_is_written_as_v4_reads_it(client: Any, server: Any) -> None:
    task = await client.tasks.create(
        **SUMMARY, organizations=["gamma", 2], arguments={"columns": ["age"]}, databases=["lung", {"label": "x"}]
    )
    body = request_of(server)
    assert task.status == "pending"
    assert [each["id"] for each in body["organizations"]] == [4, 2]
    plain = json.loads(base64.b64decode(body["organizations"][0]["input"]))
    assert plain == {"method": "summary", "args": [], "kwargs": {"columns": ["age"]}}
    assert body["databases"] == [{"label": "lung"}, {"label": "x"}]
    assert (body["collaboration_id"], body["image"], body["name"]) == (1, "hanse/summary", "summary")


async def test_by_default_a_task_goes_wherever_there_is_a_node_and_reads_the_default_data(
    client: Any, server: Any
) -> None:
    await client.tasks.create(**SUMMARY)
    body = request_of(server)
    assert [each["id"] for each in body["organizations"]] == [2, 3, 4]
    assert body["databases"] == [{"label": "default"}]


async def test_a_study_limits_the_organizations(client: Any, server: Any) -> None:
    await client.tasks.create(**SUMMARY, study="pair")
    body = request_of(server)
    assert body["study_id"] == 1
    assert [each["id"] for each in body["organizations"]] == [2, 3]
    with pytest.raises(NotFound, match=r"no organization 'gamma' in lung; there are: alpha \(2\), beta \(3\)"):
        await client.tasks.create(**SUMMARY, study="pair", organizations=["gamma"])


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"collaboration": "lunge"}, NotFound, r"no collaboration 'lunge'; there are: lung \(1\), secure \(2\)"),
        ({"collaboration": 9}, NotFound, r"no collaboration 9; there are: lung"),
        ({"organizations": ["alfa"]}, NotFound, r"no organization 'alfa' in lung; there are: alpha \(2\), beta"),
        ({"organizations": "alpha"}, Invalid, "list of names or ids"),
        ({"organizations": []}, Invalid, "organizations: "),
        ({"study": "trio"}, NotFound, r"no study 'trio'; there are: pair \(1\)"),
        ({"arguments": {"columns": {"age"}}}, Invalid, "cannot be written as JSON"),
        ({"image": ""}, Invalid, "image: "),
        ({"databases": [{"label": "x", "path": "/etc"}]}, Invalid, r"databases\.0\.path: "),
    ],
)
async def test_a_mistake_is_named_and_nothing_is_created(
    client: Any, server: Any, change: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        await client.tasks.create(**{**SUMMARY, **change})
    assert server.tasks == {}


async def test_a_lost_answer_makes_no_second_task(client: Any, server: Any) -> None:
    await client.login()
    await client.session.is_hanse()

    def lose(request: httpx.Request) -> None:
        server.lost_answers = int(request.method == "POST")

    create = server.answer
    server.answer = lambda request: (lose(request) if not server.tasks else None, create(request))[1]
    task = await client.tasks.create(**SUMMARY)
    keys = [each.headers["Idempotency-Key"] for each in server.sent("POST", "task")]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert list(server.tasks) == [task.id]


async def test_a_server_that_knows_no_keys_is_not_asked_twice(client: Any, server: Any) -> None:
    server.is_hanse = False
    await client.login()
    create = server.answer

    def lose(request: httpx.Request) -> httpx.Response:
        server.lost_answers = int(request.method == "POST")
        response: httpx.Response = create(request)
        return response

    server.answer = lose
    with pytest.raises(Unavailable, match="may have been received"):
        await client.tasks.create(**SUMMARY)
    assert len(server.sent("POST", "task")) == 1


async def test_results_are_python_objects_in_the_order_of_the_organizations(client: Any, server: Any) -> None:
    task = await client.tasks.create(**SUMMARY, organizations=["beta", "alpha"])
    server.finish(task.id, {3: {"mean": 61.5}, 2: None})
    answers = await client.tasks.results(task)
    assert isinstance(answers, Answers)
    assert [(each.organization, each.organization_id, each.result) for each in answers.sources] == [
        ("beta", 3, {"mean": 61.5}),
        ("alpha", 2, None),
    ]
    assert answers.by_organization == {"beta": {"mean": 61.5}, "alpha": None}
    with pytest.raises(Invalid, match="not one result but 2"):
        _ = answers.result


async def test_what_has_not_arrived_is_left_out(client: Any, server: Any) -> None:
    task = await client.tasks.create(**SUMMARY)
    server.finish(task.id, {3: 1})
    answers = await client.tasks.results(task.id)
    assert answers.by_organization == {"beta": 1}
    assert answers.result == 1


async def test_run_creates_and_waits(client: Any, server: Any) -> None:
    server.on_status = lambda id: server.finish(id, {2: {"n": 228}})
    answers = await client.tasks.run(**SUMMARY, organizations=["alpha"], progress=False)
    assert answers.result == {"n": 228}


async def test_a_failure_names_where_and_why_and_keeps_the_other_answers(client: Any, server: Any) -> None:
    task = await client.tasks.create(**SUMMARY)
    subtask = server.add_task({"image": "i", "collaboration_id": 1, "organizations": [{"id": 3, "input": ""}]}, task.id)
    server.finish(task.id, {2: {"n": 100}, 3: {"n": 50}})
    server.finish(task.id, {4: None}, status="crashed", log="start\n\n" + "\n".join(map(str, range(9))) + "\nKeyError")
    server.finish(subtask["id"], {3: None}, status="not allowed", log="the policy refuses the image")
    with pytest.raises(TaskFailed) as caught:
        await client.tasks.wait(task, progress=False)
    error = caught.value
    assert error.partial_results.by_organization == {"alpha": {"n": 100}, "beta": {"n": 50}}
    assert [(each.organization, str(each.status)) for each in error.failures] == [
        ("gamma", "crashed"),
        ("beta", "not allowed"),
    ]
    assert str(error).splitlines()[:3] == [f"task {task.id} failed:", "  gamma: crashed", "    | 2"]
    assert "    | KeyError" in str(error)
    assert "in subtask 2, beta: not allowed\n    | the policy refuses the image" in str(error)


async def test_kill_ends_a_task(client: Any) -> None:
    task = await client.tasks.create(**SUMMARY)
    await client.tasks.kill(task)
    assert (await client.tasks.get(task.id)).status == "killed by user"


async def test_lists_walk_through_all_pages_and_stop_at_the_limit(client: Any, server: Any) -> None:
    for number in range(250):
        server.add_task({"image": "i", "name": f"t{number}", "collaboration_id": 1, "organizations": []})
    await client.login()
    server.requests.clear()
    assert [each.id for each in await client.tasks.list()] == list(range(250, 0, -1))
    assert len(server.requests) == 3
    server.requests.clear()
    assert [each.id for each in await client.tasks.list(limit=2)] == [250, 249]
    assert [int(each.url.params["per_page"]) for each in server.requests] == [2]
    assert await client.tasks.list(limit=0) == []


def test_iterating_reads_no_further_than_needed(server: Any) -> None:
    for _ in range(250):
        server.add_task({"image": "i", "collaboration_id": 1, "organizations": []})
    with Client("http://hanse.test", "alice", "Secret.1", transport=server.transport()) as client:
        assert next(iter(client.tasks.iterate())).id == 250
    assert len(server.sent("GET", "task")) == 1
