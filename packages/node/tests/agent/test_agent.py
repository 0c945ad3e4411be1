"""A whole node against a fake server: what it reports, and that nothing is lost or done twice."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from hanse_core.errors import Invalid, TooLarge, Unauthenticated
from hanse_core.states import RunStatus
from hanse_node.errors import CannotStart, WrongKey
from hanse_node.messages import Organization
from hanse_node.offers import DatabaseChoice
from hanse_node.runtimes.memory import never_ends
from hanse_node.settings import Encryption
from hanse_node.uplink.base import Identity
from hanse_node.vault import Vault


def result_of(run: Any) -> Any:
    return json.loads(base64.b64decode(run.result)) if run.result else None


async def test_a_run_ends_with_its_result_log_and_times(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload)
    async with bench.node(share_algorithm_logs=True):
        await bench.uplink.all_finished()
    assert (run.status, result_of(run), run.log) == (RunStatus.COMPLETED, {"rows": 42}, "at work")
    assert run.started_at is not None
    assert run.finishes == 1


async def test_what_a_run_is_stands_in_a_file_where_the_station_wants_that(bench: Any) -> None:
    async def tells(environment: Any, files: Any) -> None:
        told = files.folder / "run_context.json" if "RUN_CONTEXT_FILE" in environment else None
        files.write_output(told.read_bytes() if told else b"null")

    bench.algorithms["hanse/tells"] = tells
    payload = base64.b64encode(json.dumps({"method": "m", "args": [1], "kwargs": {"column": "age"}}).encode()).decode()
    chosen = (DatabaseChoice("default", arguments='{"bind": "table"}'),)
    given = {"image": "hanse/tells", "payload": payload, "databases": chosen}
    with_file = bench.uplink.create(1, **given)
    async with bench.node(run_context_file=True):
        await bench.until(lambda: with_file.finishes)
    told = result_of(with_file)
    assert told["entrypoint"] == {"name": "m"}
    assert told["arguments"] == {"positional": [1], "named": {"column": "age"}}
    assert told["executor"]["id"] == bench.uplink.identity.node_id
    assert told["inputs"][0]["arguments"] == {"bind": "table"}
    without = bench.uplink.create(2, **given)
    async with bench.node():
        await bench.uplink.all_finished()
    assert without.finishes == 1
    assert result_of(without) is None


async def test_what_is_done_is_told_live_once_and_after_it_is_stored(bench: Any, payload: str) -> None:
    bench.uplink.create(1, payload=payload)
    async with bench.node():
        await bench.uplink.all_finished()
        await bench.until(lambda: "completed" in bench.uplink.status_events(1))
    assert bench.uplink.status_events(1)[-1:] == ["completed"]
    assert bench.uplink.status_events(1).count("completed") == 1


async def test_a_task_of_a_collaboration_that_was_not_joined_is_refused(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload, collaboration_id=99)
    async with bench.node():
        await bench.uplink.all_finished()
    assert (run.status, run.started_at) == (RunStatus.NOT_ALLOWED, None)
    assert "collaboration 99, this station joined 1" in run.log


async def test_nothing_is_left_on_disk_but_the_record(bench: Any, payload: str) -> None:
    bench.uplink.create(1, payload=payload)
    async with bench.node() as station:
        await bench.uplink.all_finished()
        await bench.until(lambda: not station.workspace.strays(()))
        record = list(station.journal.decisions())
    assert [line["event"] for line in record] == ["claimed", "started", "ended", "delivered"]
    assert record[0]["verdict"] == "allowed"
    assert record[0]["data"] == ["default"]
    assert record[0]["digest"].startswith("sha256:")
    assert (record[0]["init_user"], record[0]["init_org"], record[0]["image"]) == (7, 1, "hanse/summary")
    assert record[1]["reason"] == "the memory of the node"
    assert record[2]["bytes_out"] == 16


@pytest.mark.parametrize(
    ("image", "status", "cause"),
    [
        ("hanse/fails", RunStatus.CRASHED, "exit code 1\nnode > kind of error: ValueError"),
        ("hanse/vanishes", RunStatus.UNKNOWN_ERROR, "disappeared"),
        ("hanse/refused", RunStatus.START_FAILED, "the engine is full"),
        ("hanse/absent", RunStatus.NO_IMAGE, "hanse/absent"),
        ("other/image", RunStatus.NOT_ALLOWED, "not among those allowed"),
        ("hanse/empty", RunStatus.COMPLETED, "wrote no result"),
        ("hanse/links", RunStatus.FAILED, "not a plain file"),
    ],
)
async def test_every_ending_has_its_status_and_names_its_cause(
    bench: Any, payload: str, image: str, status: RunStatus, cause: str
) -> None:
    run = bench.uplink.create(1, image=image, payload=payload)
    async with bench.node():
        await bench.uplink.all_finished()
    assert run.status is status
    assert cause in run.log
    assert not run.result


async def test_an_unknown_database_is_refused_with_those_that_exist(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload, databases=(DatabaseChoice("lung"),))
    async with bench.node():
        await bench.uplink.all_finished()
    assert run.status is RunStatus.START_FAILED
    assert "no database 'lung'; it has: default" in run.log


async def test_an_input_that_cannot_be_opened_ends_the_run(bench: Any) -> None:
    run = bench.uplink.create(1, payload="not base64!")
    async with bench.node():
        await bench.uplink.all_finished()
    assert run.status is RunStatus.FAILED
    assert "base64" in run.log


async def test_a_node_without_policy_runs_nothing_and_says_so(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload)
    async with bench.node(policies=None):
        await bench.uplink.all_finished()
    assert run.status is RunStatus.NOT_ALLOWED
    assert "no policy" in run.log
    assert bench.engine.started == 0


async def test_organizations_may_be_allowed_by_name(bench: Any, payload: str) -> None:
    allowed = bench.uplink.create(1, payload=payload, init_org=2)
    refused = bench.uplink.create(2, payload=payload, init_org=1)
    async with bench.node(policies={"allowed_algorithms": "hanse/summary", "allowed_organizations": ["beta"]}):
        await bench.uplink.all_finished()
    assert (allowed.status, refused.status) == (RunStatus.COMPLETED, RunStatus.NOT_ALLOWED)


async def test_the_time_limit_ends_a_run_that_hangs(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, image="hanse/hangs", payload=payload)
    async with bench.node(limits={"seconds": 0.1}):
        await bench.uplink.all_finished()
    assert run.status is RunStatus.FAILED
    assert "time limit" in run.log


@pytest.mark.parametrize("tell", [True, False])
async def test_a_killed_run_is_stopped_even_when_the_event_gets_lost(bench: Any, payload: str, tell: bool) -> None:
    run = bench.uplink.create(1, image="hanse/hangs", payload=payload)
    async with bench.node() as station:
        await bench.until(lambda: run.status is RunStatus.ACTIVE)
        bench.uplink.kill(1, tell=tell)
        await bench.until(lambda: not bench.engine.runs)
        await bench.until(lambda: not station.journal.unfinished())
    assert run.status is RunStatus.KILLED
    assert run.finishes == 1


async def test_killing_all_of_a_node_reports_each_run(bench: Any, payload: str) -> None:
    runs = [bench.uplink.create(i, image="hanse/hangs", payload=payload) for i in (1, 2)]
    async with bench.node():
        await bench.until(lambda: all(run.status is RunStatus.ACTIVE for run in runs))
        bench.uplink.kill_all()
        await bench.uplink.all_finished()
    assert [run.status for run in runs] == [RunStatus.KILLED] * 2


async def test_a_run_that_waits_for_a_place_can_be_killed(bench: Any, payload: str) -> None:
    first = bench.uplink.create(1, image="hanse/hangs", payload=payload)
    async with bench.node(limits={"parallel_runs": 1}) as station:
        await bench.until(lambda: first.status is RunStatus.ACTIVE)
        second = bench.uplink.create(2, image="hanse/hangs", payload=payload)
        await bench.a_run_waits(station)
        bench.uplink.kill(2)
        await bench.until(lambda: 2 in station.journal.find([2]) and station.journal.find([2])[2].is_over)
        assert second.started_at is None
        assert bench.engine.started == 1
        bench.uplink.kill(1)


async def test_subtasks_do_not_wait_for_the_place_of_their_parent(bench: Any, payload: str) -> None:
    bench.uplink.create(1, image="hanse/hangs", payload=payload)
    async with bench.node(limits={"parallel_runs": 1}):
        await bench.until(lambda: bench.engine.started == 1)
        child = bench.uplink.create(2, payload=payload, parent=1)
        await bench.until(lambda: child.finished_at)
        assert child.status is RunStatus.COMPLETED
        bench.uplink.kill(1)


async def test_a_restarted_node_adopts_what_still_runs(bench: Any, payload: str) -> None:
    go_on = asyncio.Event()

    async def waits(environment: Any, files: Any) -> None:
        await go_on.wait()
        files.write_output(b"[1]")

    bench.algorithms["hanse/waits"] = waits
    run = bench.uplink.create(1, image="hanse/waits", payload=payload)
    async with bench.node():
        await bench.until(lambda: run.status is RunStatus.ACTIVE)
    async with bench.node() as station:
        go_on.set()
        await bench.uplink.all_finished()
        events = [line["event"] for line in station.journal.decisions()]
    assert (run.status, result_of(run), bench.engine.started) == (RunStatus.COMPLETED, [1], 1)
    assert events.count("started") == 1


async def test_what_ended_while_the_node_was_down_is_delivered(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload)
    async with bench.node():
        await bench.until(lambda: bench.engine.started == 1)
    async with bench.node():
        await bench.uplink.all_finished()
    assert (run.status, bench.engine.started, run.finishes) == (RunStatus.COMPLETED, 1, 1)


async def test_an_answer_waits_on_disk_until_the_server_is_back(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload)
    async with bench.node() as station:
        await bench.until(lambda: run.started_at)
        bench.uplink.faults.down = True
        await bench.until(lambda: station.workspace.answer(1) is not None)
        assert not run.finished_at
    bench.uplink.faults.down = False
    async with bench.node():
        await bench.uplink.all_finished()
    assert (run.status, bench.engine.started) == (RunStatus.COMPLETED, 1)


async def test_a_run_survives_the_loss_of_the_journal(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, image="hanse/hangs", payload=payload)
    async with bench.node():
        await bench.until(lambda: run.status is RunStatus.ACTIVE)
    for file in bench.directory.glob("journal.sqlite*"):
        file.unlink()
    async with bench.node() as station:
        await bench.until(lambda: list(station.journal.decisions()))
        assert [line["event"] for line in station.journal.decisions()] == ["adopted"]
        assert bench.engine.started == 1
        bench.uplink.kill(1)
        await bench.until(lambda: not bench.engine.runs)


async def test_strays_in_the_engine_are_ended(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, image="hanse/hangs", payload=payload)
    async with bench.node():
        await bench.until(lambda: run.status is RunStatus.ACTIVE)
    bench.uplink.kill(1, tell=False)
    for file in bench.directory.glob("journal.sqlite*"):
        file.unlink()
    async with bench.node():
        await bench.until(lambda: not bench.engine.runs)
    assert bench.engine.started == 1


async def test_a_server_that_forgot_an_answer_does_not_make_the_run_run_again(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload)
    async with bench.node():
        await bench.uplink.all_finished()
    run.status, run.finished_at = RunStatus.PENDING, None
    async with bench.node():
        await bench.uplink.all_finished()
    assert run.status is RunStatus.FAILED
    assert "already answered" in run.log
    assert bench.engine.started == 1


async def test_an_answer_that_the_server_refuses_becomes_a_failure_that_says_why(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload)
    real = bench.uplink.report

    async def report(run_id: int, patch: Any) -> None:
        if patch.get("result"):
            raise TooLarge("results may have 10 bytes")
        await real(run_id, patch)

    bench.uplink.report = report
    async with bench.node():
        await bench.uplink.all_finished()
    assert run.status is RunStatus.FAILED
    assert "results may have 10 bytes" in run.log


async def test_a_task_that_gives_no_token_ends_as_failed(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload)
    bench.uplink.faults.refuse["container_token"] = Unauthenticated("the image is not that of the task")
    async with bench.node():
        await bench.uplink.all_finished()
    assert run.status is RunStatus.FAILED
    assert "not that of the task" in run.log


async def test_a_key_that_is_no_longer_valid_stops_the_node(bench: Any) -> None:
    async def work() -> None:
        async with bench.node():
            bench.uplink.faults.refuse["open_runs"] = WrongKey("the key was renewed")
            await bench.until(bench.work.done)

    with pytest.raises(WrongKey):
        await work()


async def test_two_nodes_cannot_share_a_directory(bench: Any) -> None:
    async with bench.node():
        with pytest.raises(CannotStart, match="another node"):
            async with bench.node():
                pass


async def test_a_node_that_disagrees_about_encryption_does_not_start(bench: Any) -> None:
    bench.uplink.identity = type(bench.uplink.identity)(2, "station", 1, "alpha", 1, encrypted=True)
    with pytest.raises(CannotStart, match=r"encryption\.enabled"):
        async with bench.node():
            pass


async def test_configuration_is_shared_after_every_connection(bench: Any) -> None:
    async with bench.node():
        await bench.until(lambda: any(event == "node_info_update" for event, _ in bench.uplink.emitted))
    info = next(data for event, data in bench.uplink.emitted if event == "node_info_update")
    assert info == {
        "encryption": False,
        "allowed_algorithms": ["^hanse/.*"],
        "database_labels": ["default"],
        "database_types": {"db_type_default": "csv"},
        "database_columns": {"columns_default": ["age", "sex"]},
    }


async def test_a_refusal_of_the_start_by_the_server_is_final(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, payload=payload)
    bench.uplink.faults.refuse["report"] = Invalid("no")
    async with bench.node() as station:
        await bench.until(lambda: 1 in station.journal.find([1]) and station.journal.find([1])[1].is_over)
    assert bench.engine.started == 0
    assert run.finished_at is None


async def test_an_algorithm_that_hangs_does_not_hold_up_others(bench: Any, payload: str) -> None:
    bench.algorithms["hanse/slow"] = never_ends
    bench.uplink.create(1, image="hanse/slow", payload=payload)
    quick = bench.uplink.create(2, payload=payload)
    async with bench.node():
        await bench.until(lambda: quick.finished_at)
        bench.uplink.kill(1)
    assert quick.status is RunStatus.COMPLETED


async def test_an_encrypted_node_publishes_its_key_and_seals_its_answers(bench: Any, key_file: Path) -> None:
    vault = Vault(Encryption(enabled=True, private_key=key_file))
    bench.uplink.identity = Identity(2, "station", 1, "alpha", 1, encrypted=True)
    bench.uplink.organizations[2] = Organization("beta", vault.public_key)
    run = bench.uplink.create(1, payload=vault.seal(b'{"method": "m"}', vault.public_key), init_org=2)
    bench.uplink.organizations[3] = Organization("gamma")
    orphan = bench.uplink.create(2, payload=vault.seal(b'{"method": "m"}', vault.public_key), init_org=3)
    async with bench.node(encryption={"enabled": True, "private_key": str(key_file)}):
        await bench.uplink.all_finished()
    assert bench.uplink.published == [vault.public_key]
    assert vault.open(run.result) == b'{"rows": 42}'
    assert orphan.status is RunStatus.FAILED
    assert "not published a public key" in orphan.log


async def test_logs_hold_no_payloads_tokens_or_keys(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    secret = base64.b64encode(b'{"method": "planted-input"}').decode()
    for run_id, image in enumerate(["hanse/summary", "hanse/fails", "other/image", "hanse/refused"], start=1):
        bench.uplink.create(run_id, image=image, payload=secret)
    async with bench.node():
        await bench.uplink.all_finished()
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert "run_delivered" in text
    token = await bench.uplink.container_token(1, "hanse/summary")
    for planted in (secret, "planted-input", "rows", "agee", "secret-key", token, token.split(".")[1]):
        assert planted not in text
