"""Recorded changes of collaborations, studies, nodes and organizations, sent again."""

from typing import Any

import pytest

ROOT = "token of user (id 1)"


@pytest.mark.replays("05", 1, 2, 3)
async def test_05_a_second_node_is_refused_also_after_a_refresh(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    _, refused, refreshed, again = recording("05")
    answers_like(await recorder.send(refused), refused)
    answers_like(await recorder.refresh(refreshed), refreshed)
    answers_like(await recorder.send(again), again)


@pytest.mark.replays("11")
async def test_11_collaborations_are_shown_and_listed(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    for exchange in recording("11"):
        answer = await recorder.send(exchange)
        answers_like(answer, exchange)
        assert names(answer.json()) == names(exchange["response"]["body"])


def names(body: Any) -> list[str]:
    rows = body.get("data", [body]) if isinstance(body, dict) else body
    return [row["name"] for row in rows]


@pytest.mark.replays("16", 2, 3)
async def test_16_a_node_sees_its_organization_and_its_collaboration(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    for exchange in recording("16")[2:]:
        answers_like(await recorder.send(exchange), exchange)


@pytest.mark.replays("44", 4)
async def test_44_an_administrator_renews_the_key_of_a_node(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    exchange = recording("44")[4]
    answers_like(await recorder.send(exchange), exchange)


@pytest.mark.replays("47")
async def test_47_organizations_and_nodes_come_into_a_collaboration_and_leave(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    for exchange in recording("47"):
        answer = await recorder.send(exchange)
        answers_like(answer, exchange)
        if answer.status_code == 200:
            assert names(answer.json()) == names(exchange["response"]["body"])


@pytest.mark.replays("48")
async def test_48_organizations_come_into_a_study_and_leave(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    for exchange in recording("48"):
        answer = await recorder.send(exchange)
        answers_like(answer, exchange)
        assert names(answer.json()) == names(exchange["response"]["body"])


@pytest.mark.replays("50")
async def test_50_what_others_depend_on_is_deleted_only_with_these(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    for exchange in recording("50"):
        answers_like(await recorder.send(exchange, identity=ROOT), exchange)
