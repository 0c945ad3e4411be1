"""Decisions about inputs, reports and logs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from hanse_core.errors import Invalid
from hanse_core.states import RunStatus
from hanse_core.wire.tasks import RunPatch
from hanse_server.tasks.forms import Form
from hanse_server.tasks.rules import CUT, LOG_LIMIT, RunState, addition, changes, require_input, shortened

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
END = START + timedelta(minutes=5)
ACTIVE = RunState(RunStatus.ACTIVE, START, None)
DONE = RunState(RunStatus.COMPLETED, START, END, log="done", result="e30=")
FINAL = RunPatch(status=RunStatus.COMPLETED, finished_at=END, log="done", result="e30=")
SEALED = "a2V5$MTIzNDU2Nzg5MDEyMzQ1Ng==$Ym9keQ=="


@pytest.mark.parametrize("text", ["", "e30=", "eyJtZXRob2QiOiAibSJ9"])
def test_readable_inputs_are_taken_where_nothing_is_encrypted(text: str) -> None:
    require_input(Form.of(text), is_encrypted=False, organization_id=1)

    with pytest.raises(Invalid, match="organization 1 cannot be accepted"):
        require_input(Form.of(text), is_encrypted=True, organization_id=1)


@pytest.mark.parametrize("text", ["not base64 !!!", "//79", "e30", SEALED])
def test_other_inputs_are_refused_where_nothing_is_encrypted(text: str) -> None:
    with pytest.raises(Invalid):
        require_input(Form.of(text), is_encrypted=False, organization_id=1)


def test_sealed_inputs_are_taken_where_everything_is_encrypted() -> None:
    require_input(Form.of(SEALED), is_encrypted=True, organization_id=1)

    with pytest.raises(Invalid):
        require_input(Form.of("a2V5$c2hvcnQ=$Ym9keQ=="), is_encrypted=True, organization_id=1)


def test_a_report_changes_only_what_it_gives() -> None:
    assert changes(ACTIVE, RunPatch(log="line")) == {"log": "line"}
    assert changes(ACTIVE, RunPatch()) == {}


def test_times_without_offset_are_utc_and_others_are_kept() -> None:
    naive = changes(ACTIVE, RunPatch(started_at=START.replace(tzinfo=None)))
    shifted = changes(ACTIVE, RunPatch(started_at=START.astimezone(timezone(timedelta(hours=2)))))

    assert naive["started_at"] == START == shifted["started_at"]


def test_the_final_report_may_be_repeated_but_nothing_else_changes_a_finished_run() -> None:
    assert changes(DONE, FINAL) == {}
    for other in (
        RunPatch(status=RunStatus.FAILED),
        RunPatch(status=RunStatus.COMPLETED),
        RunPatch(log="more"),
        RunPatch(),
        FINAL.model_copy(update={"result": "W10="}),
    ):
        with pytest.raises(Invalid, match="already ended"):
            changes(DONE, other)


def test_an_end_without_details_takes_the_details_but_no_other_end() -> None:
    ended = RunState(RunStatus.START_FAILED, START, None)

    details = RunPatch(status=RunStatus.START_FAILED, finished_at=END, log="no", result="")
    assert changes(ended, details)["finished_at"] == END
    with pytest.raises(Invalid, match="cannot go from 'start failed' to 'completed'"):
        changes(ended, RunPatch(status=RunStatus.COMPLETED, finished_at=END))


def test_a_run_does_not_go_back_and_does_not_end_without_a_final_status() -> None:
    with pytest.raises(Invalid, match="cannot go from 'active' to 'pending'"):
        changes(ACTIVE, RunPatch(status=RunStatus.PENDING))
    with pytest.raises(Invalid, match="has not ended"):
        changes(ACTIVE, RunPatch(finished_at=END))


def test_an_interrupted_run_may_be_reported_active_again() -> None:
    assert changes(ACTIVE, RunPatch(status=RunStatus.ACTIVE)) == {"status": RunStatus.ACTIVE}


def test_a_long_log_keeps_its_ends() -> None:
    log = "first" + "x" * LOG_LIMIT + "last"

    kept = shortened(log)

    assert len(kept) == LOG_LIMIT
    assert kept.startswith("first")
    assert kept.endswith("last")
    assert CUT in kept
    assert shortened("short") == "short"


def test_lines_are_added_until_the_log_is_full() -> None:
    assert addition(0, False, "a") == "a"
    assert addition(5, False, "a") == "\na"
    assert addition(5, True, "a") == "a"
    assert addition(LOG_LIMIT - 200, True, "x" * 500).endswith(CUT)
    assert addition(LOG_LIMIT, True, "a") == ""
