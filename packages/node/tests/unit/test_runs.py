"""The life of a run, under any order of events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_core.states import RunStatus
from hanse_node.runs import (
    Claimed,
    Closed,
    Delivered,
    Event,
    Exited,
    Killed,
    LocalRun,
    Phase,
    Refused,
    Sealed,
    Started,
    advance,
    recovered,
)

ORDER = list(Phase)
EVENTS = st.one_of(
    st.just(Claimed()),
    st.builds(Refused, st.sampled_from([RunStatus.NOT_ALLOWED, RunStatus.START_FAILED]), st.just("why")),
    st.builds(Started, st.sampled_from(["a", "b"])),
    st.just(Killed()),
    st.builds(Exited, st.integers(0, 2), st.sampled_from([None, "time", "lost", "memory", "log", "killed", "odd"])),
    st.just(Sealed()),
    st.just(Delivered()),
    st.just(Closed()),
)


def after(*events: Event) -> LocalRun:
    run = LocalRun(1)
    for event in events:
        run = advance(run, event)
    return run


@given(st.lists(EVENTS, max_size=25))
def test_any_order_of_events_leaves_a_run_sound(events: list[Event]) -> None:
    run, started = LocalRun(1), 0
    for event in events:
        following = advance(run, event)
        assert ORDER.index(following.phase) >= ORDER.index(run.phase)
        started += isinstance(event, Started) and following != run
        if run.killed:
            assert following.killed
        run = following
        assert (run.phase is not Phase.RUNNING) or run.reference is not None
        assert run.phase not in {Phase.ENDED, Phase.SEALED} or run.status is not None
        assert run.status is None or run.status.is_finished
        assert not (run.killed and run.status is RunStatus.COMPLETED)
    assert started <= 1


@given(st.lists(EVENTS, max_size=10), EVENTS)
def test_what_is_told_twice_changes_nothing(events: list[Event], event: Event) -> None:
    once = advance(after(*events), event)
    assert advance(once, event) == once


@given(st.lists(EVENTS, max_size=25))
def test_every_run_can_be_brought_to_its_end(events: list[Event]) -> None:
    ending = (Claimed(), Started("x"), Exited(0), Sealed(), Delivered())
    assert after(*events, *ending).is_over


def test_the_usual_life() -> None:
    run = after(Claimed(), Started("r"), Exited(0))
    assert (run.phase, run.status, run.reference) == (Phase.ENDED, RunStatus.COMPLETED, "r")
    assert after(Claimed(), Started("r"), Exited(0), Sealed(), Delivered()).phase is Phase.DELIVERED


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (Exited(0), RunStatus.COMPLETED), (Exited(1), RunStatus.CRASHED), (Exited(137, "time"), RunStatus.FAILED),
        (Exited(137, "memory"), RunStatus.CRASHED), (Exited(1, "log"), RunStatus.CRASHED),
        (Exited(-1, "lost"), RunStatus.UNKNOWN_ERROR), (Exited(137, "killed"), RunStatus.CRASHED),
    ],
)  # fmt: skip
def test_each_end_has_its_status_and_cause(event: Exited, status: RunStatus) -> None:
    run = after(Claimed(), Started("r"), event)
    assert run.status is status
    assert (event.reason is None) == (run.note == "")


def test_a_kill_wins_wherever_the_run_stands() -> None:
    assert after(Killed()).status is RunStatus.KILLED
    assert after(Killed(), Claimed(), Started("r")).phase is Phase.ENDED
    assert after(Claimed(), Killed(), Started("r")).phase is Phase.RUNNING
    assert after(Claimed(), Started("r"), Killed(), Exited(0)).status is RunStatus.KILLED
    assert after(Claimed(), Killed(), Refused(RunStatus.NO_IMAGE, "none")).status is RunStatus.KILLED
    assert after(Claimed(), Started("r"), Exited(0), Killed()).status is RunStatus.COMPLETED


def test_a_run_that_may_be_running_is_not_closed_before_it_has_ended() -> None:
    assert after(Claimed(), Closed()).phase is Phase.CLAIMED
    assert after(Claimed(), Started("r"), Closed()).phase is Phase.RUNNING
    assert after(Closed()).is_over


def test_after_a_restart_the_engine_says_what_became_of_a_claim() -> None:
    claimed = after(Claimed())
    assert recovered(claimed, "r") == after(Claimed(), Started("r"))
    assert recovered(claimed, None).phase is Phase.QUEUED
    assert recovered(after(Claimed(), Killed()), None).status is RunStatus.KILLED
    running = after(Claimed(), Started("r"))
    assert recovered(running, None) == running
