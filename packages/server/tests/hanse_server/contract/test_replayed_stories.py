"""What peers ask between their changes, sent again in the order that was recorded."""

import asyncio
from typing import Any

import pytest

from ...recorded import deviates, mended
from .conftest import MOMENT


async def replay(recorder: Any, answers_like: Any, exchanges: list[dict[str, Any]]) -> None:
    for exchange in exchanges:
        answers_like(await recorder.send(exchange), mended(exchange))


@pytest.mark.replays("20")
async def test_20_a_client_looks_around_and_makes_a_task(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    await replay(recorder, answers_like, recording("20"))


@pytest.mark.replays("22")
@pytest.mark.replays("23")
async def test_22_and_23_a_node_fetches_a_run_and_starts_it(
    recorder: Any, created: Any, recording: Any, answers_like: Any
) -> None:
    await created(databases=[{"label": "default"}])
    await replay(recorder, answers_like, [*recording("22"), *recording("23")])


async def begin(recorder: Any, node: int, **report: str) -> None:
    """Report the start, or more, of the only run that the node has at work, as it was done between the recordings."""
    run = {2: 1, 3: 3}[node]
    report = {"started_at": MOMENT.isoformat(), **report}
    answer = await recorder.client(f"token of node (id {node})").patch(f"/run/{run}", json=report)
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def begun(created: Any) -> None:
    """The task that containers made subtasks of when they were recorded."""
    await created(databases=[{"label": "default"}])


@pytest.mark.usefixtures("begun")
@pytest.mark.replays("27")
@pytest.mark.replays("30")
@pytest.mark.replays("31")
@pytest.mark.replays("32")
@pytest.mark.replays("33")
@pytest.mark.replays("34")
async def test_27_to_34_a_subtask_is_made_run_and_read(recorder: Any, recording: Any, answers_like: Any) -> None:
    *making, waiting = recording("27")
    await replay(recorder, answers_like, making)
    await begin(recorder, 3)
    held = asyncio.create_task(recorder.send(waiting))  # unlike upstream, this is answered when the task has ended
    await replay(recorder, answers_like, recording("30"))
    answers_like(await held, waiting)
    await replay(recorder, answers_like, recording("31"))
    await replay(recorder, answers_like, recording("32"))
    *tasks, by_status, by_name = recording("33")
    await begin(recorder, 2, status="active", log="info > hello\n")
    offer = {"port": 49152, "label": "api", "run_id": 1}
    assert (await recorder.client("token of node (id 2)").post("/port", json=offer)).status_code == 201
    await replay(recorder, answers_like, [*tasks, by_name])
    deviates(await recorder.send(by_status), by_status, 200)  # quirk 26
    end = {"status": "completed", "result": "eyJ0b3RhbCI6IDV9", "log": "ok", "finished_at": MOMENT.isoformat()}
    await begin(recorder, 2, **end)
    await replay(recorder, answers_like, recording("34"))


@pytest.mark.replays("40", 0, 1)
async def test_40_a_client_looks_around_before_a_task_in_a_study(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    await replay(recorder, answers_like, recording("40")[:2])


@pytest.mark.replays("58")
async def test_58_reports_of_every_kind_are_taken_and_refused(
    recorder: Any, created: Any, recording: Any, answers_like: Any
) -> None:
    exchanges = recording("58")
    deviations = {
        3: 200, 5: 200, 6: 200,  # quirk 37: every form of a time is taken
        8: 200,  # quirk 25: null is what is not given
        10: 403,  # quirk 20
    }  # fmt: skip
    for organizations in ((2, 3), (2, 3), (2,), (2,), (2,), (2,)):
        await created(*organizations)
    exchanges[2]["response"]["body"]["result"] = "e30="  # quirk 25: what is not given stays
    for late in (1, 4, 11, 13, 14):
        exchanges[late]["response"]["body"]["log"] = "line1"
    exchanges[12]["response"] = exchanges[11]["response"]  # of several includes, those that are known count
    for index, exchange in enumerate(exchanges):
        answer = await recorder.send(exchange)
        if index in deviations:
            deviates(answer, exchange, deviations[index])
        else:
            answers_like(answer, mended(exchange))
        if index == 2:
            assert answer.json()["result"] == "e30="
