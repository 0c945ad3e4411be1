"""Run and task states: the strings of v4, the legal moves, and how a task's state follows from its runs."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hanse_core.states import FINISHED, MOVES, UNFINISHED, RunStatus, may_move, task_status

statuses = st.sampled_from(list(RunStatus))


def test_the_strings_are_those_of_v4_and_no_others() -> None:
    assert {str(status) for status in RunStatus} == {
        "pending",
        "initializing",
        "active",
        "completed",
        "failed",
        "start failed",
        "non-existing Docker image",
        "crashed",
        "killed by user",
        "not allowed",
        "unknown error",
    }


def test_every_status_is_either_finished_or_not_and_only_one_is_a_success() -> None:
    assert set(RunStatus) == FINISHED | UNFINISHED
    assert not FINISHED & UNFINISHED
    assert [status for status in FINISHED if not status.is_failed] == [RunStatus.COMPLETED]
    assert not any(status.is_failed or status.is_finished for status in UNFINISHED)


@given(statuses, statuses)
def test_a_finished_run_never_moves(current: RunStatus, following: RunStatus) -> None:
    if current.is_finished:
        assert not may_move(current, following)


@given(statuses, statuses)
def test_no_run_goes_back(current: RunStatus, following: RunStatus) -> None:
    order = [RunStatus.PENDING, RunStatus.INITIALIZING, RunStatus.ACTIVE]
    if may_move(current, following) and not following.is_finished:
        assert order.index(following) >= order.index(current)


@given(st.lists(statuses))
def test_any_order_of_reports_ends_in_at_most_one_finished_state(reports: list[RunStatus]) -> None:
    current, finished = RunStatus.PENDING, 0
    for report in reports:
        if may_move(current, report):
            current = report
            finished += report.is_finished
    assert finished <= 1
    assert current.is_finished == bool(finished)


def test_every_unfinished_run_may_end_in_every_way() -> None:
    assert set(MOVES) == set(RunStatus)
    for status in UNFINISHED:
        assert MOVES[status] >= FINISHED


@given(st.lists(statuses))
def test_one_failure_makes_the_task_fail_whatever_the_others_do(runs: list[RunStatus]) -> None:
    failures = {run for run in runs if run.is_failed}
    status = task_status(runs)
    assert status.is_failed == bool(failures)
    if len(failures) == 1:
        assert {status} == failures
    if len(failures) > 1:
        assert status is RunStatus.FAILED


@given(st.lists(st.sampled_from(sorted(UNFINISHED | {RunStatus.COMPLETED}))))
def test_without_failures_the_busiest_state_wins(runs: list[RunStatus]) -> None:
    status = task_status(runs)
    order = [RunStatus.ACTIVE, RunStatus.INITIALIZING, RunStatus.PENDING, RunStatus.COMPLETED]
    assert status is next((each for each in order if each in runs), RunStatus.COMPLETED)


@given(st.lists(statuses), st.randoms())
def test_the_order_of_the_runs_does_not_matter(runs: list[RunStatus], random: Random) -> None:
    shuffled = list(runs)
    random.shuffle(shuffled)
    assert task_status(runs) is task_status(shuffled)


def test_a_task_without_runs_is_completed() -> None:
    assert task_status([]) is RunStatus.COMPLETED
