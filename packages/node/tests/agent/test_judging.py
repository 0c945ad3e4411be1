"""What the policy of a station does to real runs: refusals with their rule, limits on what leaves, live changes."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hanse_core.errors import Unavailable
from hanse_core.states import RunStatus
from hanse_node import copies, main, policy_file
from hanse_node.errors import CannotStart
from hanse_node.offers import DatabaseChoice
from hanse_node.policy_file import Rulebook
from hanse_node.runs import Phase
from hanse_node.runtimes.memory import MemoryRuntime, RunFiles
from hanse_node.settings import load
from hanse_node.station import Station

CANARY = "PATIENT-4711"
STORE = "https://store.example"
DIGEST = "sha256:" + 64 * "a"


def calling(function: str, **named: object) -> str:
    return base64.b64encode(json.dumps({"method": function, "kwargs": named}).encode()).decode()


async def _leaks(environment: Any, files: Any) -> None:
    files.print(f"row: {CANARY}")
    files.write_output(json.dumps({"row": CANARY}).encode())
    raise KeyError(CANARY)


async def _prints(environment: Any, files: Any) -> None:
    files.print(f"row: {CANARY}")
    files.write_output(json.dumps({"count": CANARY}).encode())


async def outcome(bench: Any, payload: str, policies: Any, **more: Any) -> Any:
    task = {name: more.pop(name) for name in ("image", "store_id", "databases", "init_user") if name in more}
    run = bench.uplink.create(1, payload=payload, **task)
    async with bench.node(policies=policies, **more):
        await bench.uplink.all_finished()
    return run


RULES: dict[str, Any] = {
    "rules": [
        {"name": "no raw rows", "then": "deny", "functions": "raw*"},
        {
            "name": "few bins", "then": "allow", "images": "hanse/*", "functions": "histogram", "databases": "default",
            "arguments": {"properties": {"bins": {"maximum": 20}}, "required": ["bins"]},
        },
        {"name": "exports", "then": "ask before release", "functions": "export"},
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "task", "rule"),
    [
        (calling("raw_rows"), {}, "no raw rows"),
        (calling("histogram", bins=100), {}, "no rule"),
        (calling("histogram", bins=10), {"image": "other/image"}, "no rule"),
        (calling("histogram", bins=10), {"databases": (DatabaseChoice("default"), DatabaseChoice("lung"))}, "no rule"),
        (calling("export"), {}, "exports"),
        ("not base64!", {}, "no raw rows"),
    ],
)
async def test_a_refusal_reaches_the_requester_with_the_name_of_its_rule(
    bench: Any, payload: str, task: dict[str, Any], rule: str
) -> None:
    run = await outcome(bench, payload, RULES, **task)
    assert (run.status, run.started_at) == (RunStatus.NOT_ALLOWED, None)
    assert f"(rule: {rule})" in run.log
    assert bench.engine.started == 0


async def test_what_a_rule_allows_runs(bench: Any) -> None:
    assert (await outcome(bench, calling("histogram", bins=10), RULES)).status is RunStatus.COMPLETED


@pytest.mark.parametrize("image", ["hanse/leaks", "hanse/prints"])
async def test_a_row_that_is_printed_or_raised_reaches_nobody_but_the_kind_of_error_does(
    bench: Any, payload: str, image: str
) -> None:
    bench.algorithms |= {"hanse/leaks": _leaks, "hanse/prints": _prints}
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    policies = {"allowed_algorithms": "glob:hanse/*", "results": {"schema": schema}}
    run = await outcome(bench, payload, policies, image=image)
    told = json.dumps([run.log, run.result, bench.uplink.emitted])
    assert CANARY not in told
    assert run.status is (RunStatus.CRASHED if image == "hanse/leaks" else RunStatus.FAILED)
    assert "kind of error: KeyError" in run.log or image == "hanse/prints"
    assert "rule: results.schema" in run.log
    assert CANARY not in json.dumps([line async for line in _record(bench)])


async def _record(bench: Any) -> Any:
    from hanse_node.journal import Journal

    with Journal(bench.directory / "journal.sqlite") as journal:
        for line in journal.decisions():
            yield line


async def test_logs_leave_where_the_owner_says_so_for_one_image(bench: Any, payload: str) -> None:
    bench.algorithms["hanse/prints"] = _prints
    shared = {"images": "hanse/prints", "share_logs": True}
    run = await outcome(
        bench, payload, {"allowed_algorithms": "glob:hanse/*", "per_image": [shared]}, image="hanse/prints"
    )
    assert CANARY in run.log


async def test_a_result_beyond_the_limit_stays_here(bench: Any, payload: str) -> None:
    run = await outcome(bench, payload, {"allowed_algorithms": "^hanse/.*", "results": {"max_bytes": 5}})
    assert (run.status, run.result) == (RunStatus.FAILED, "")
    assert "at most 5" in run.log


# Stores


@pytest.mark.parametrize(
    ("listed", "status", "cause"),
    [
        ([{"image": "hanse/summary", "digest": DIGEST, "status": "approved"}], RunStatus.COMPLETED, ""),
        ([], RunStatus.NOT_ALLOWED, "does not list hanse/summary as approved (rule: allowed_algorithm_stores)"),
        ([{"image": "other/image", "digest": DIGEST}], RunStatus.NOT_ALLOWED, "does not list"),
        ([{"image": "hanse/summary", "status": "invalidated"}], RunStatus.NOT_ALLOWED, "does not list"),
        (Unavailable("the algorithm store cannot be asked: gone"), RunStatus.NOT_ALLOWED, "cannot be asked"),
    ],
)
async def test_the_node_asks_the_store_itself(
    bench: Any, payload: str, listed: Any, status: RunStatus, cause: str
) -> None:
    bench.uplink.stores[4], bench.uplink.algorithms[STORE] = STORE, listed
    run = await outcome(bench, payload, {"allowed_algorithm_stores": STORE}, store_id=4)
    assert run.status is status
    assert cause in run.log


async def test_a_server_cannot_name_a_store_that_the_owner_did_not(bench: Any, payload: str) -> None:
    bench.uplink.stores[4] = "https://evil.example"
    bench.uplink.algorithms["https://evil.example"] = [{"image": "hanse/summary"}]
    run = await outcome(bench, payload, {"allowed_algorithm_stores": [STORE]}, store_id=4)
    assert run.status is RunStatus.NOT_ALLOWED
    assert "evil.example is not among those allowed" in run.log
    assert bench.uplink.store_questions == []


async def test_a_store_is_asked_once_for_a_job_and_not_where_its_answer_would_change_nothing(
    bench: Any, payload: str
) -> None:
    bench.uplink.stores[4], bench.uplink.algorithms[STORE] = STORE, [{"image": "hanse/summary"}]
    for run_id in (1, 2, 3):
        bench.uplink.create(run_id, payload=payload, job_id=1, store_id=4)
        async with bench.node(policies={"allowed_algorithm_stores": STORE, "allowed_users": ["8"]}):
            await bench.uplink.all_finished()
    assert bench.uplink.store_questions == []
    async with bench.node(policies={"allowed_algorithm_stores": STORE}):
        for run_id in (4, 5):
            bench.uplink.create(run_id, payload=payload, job_id=1, store_id=4)
            await bench.uplink.all_finished()
    assert len(bench.uplink.store_questions) == 1


# A policy that changes


class Clerk:
    """Edits the policy of a node as an editor would, and lets the rulebook look."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "policy.yaml"
        self.config = folder / "node.yaml"
        self.config.write_text(
            "api_key: k\nserver_url: http://localhost\nruntime: memory\npolicies_file: policy.yaml\n"
            f"directory: {folder}\n"
            f"databases: [{{label: default, uri: {folder}/d.csv, type: csv}}]\n"
        )

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def rulebook(self) -> Rulebook:
        return Rulebook(load(self.config, environment={}), environment={})


def test_a_changed_file_counts_once_two_looks_have_seen_the_same(tmp_path: Path) -> None:
    clerk = Clerk(tmp_path)
    clerk.write("allowed_algorithms: a")
    book = clerk.rulebook()
    clerk.write("allowed_algorithms: [a, b]")
    assert (book.look(), book.look(), book.look()) == (False, True, False)
    assert book.edition.policies is not None
    assert book.edition.policies.allowed_algorithms == ("a", "b")
    assert policy_file.LOOK_SECONDS * 2 < 5


@pytest.mark.parametrize("text", ["allowed_algorithms: [", "allowed_algoritms: a", "- a", None])
def test_with_a_broken_or_missing_file_nothing_runs_until_it_is_mended(tmp_path: Path, text: str | None) -> None:
    from hanse_node.policy.decision import Request

    clerk = Clerk(tmp_path)
    clerk.write("allowed_algorithms: a")
    book = clerk.rulebook()
    clerk.path.unlink() if text is None else clerk.write(text)
    book.look(), book.look()
    verdict = book.edition.decide(Request("a"))
    assert (verdict.allowed, verdict.rule) == (False, "policy unreadable")
    assert "policy.yaml" in book.edition.problem
    assert "policy.yaml" not in str(verdict)
    clerk.write("allowed_algorithms: [a, c]")
    book.look(), book.look()
    assert book.edition.decide(Request("a")).allowed


def test_the_policy_of_the_nodes_own_file_is_looked_at_too(tmp_path: Path) -> None:
    path = tmp_path / "node.yaml"
    start = f"api_key: k\nserver_url: http://localhost\ndirectory: {tmp_path}\n"
    path.write_text(start)
    book = Rulebook(load(path, environment={}), environment={})
    assert book.edition.policies is None
    path.write_text(start + "policies: {allowed_algorithms: a}\nserver_url: changes here wait for the next start\n")
    book.look(), book.look()
    assert book.edition.policies is not None


@contextlib.asynccontextmanager
async def opened(bench: Any, clerk: Clerk) -> AsyncIterator[Station]:
    runtime = MemoryRuntime(bench.algorithms, bench.engine)
    async with (
        main.opened(load(clerk.config, environment={}), bench.uplink, runtime) as station,
        bench.working(station),
    ):
        yield station


def look(station: Station) -> None:
    """Let the station look at its policy, as it does every second."""
    station.gate.rulebook.look()
    assert station.gate.rulebook.look()


async def test_a_working_node_follows_its_policy_and_tells_the_server(bench: Any, payload: str) -> None:
    clerk = Clerk(bench.directory)
    clerk.write("allowed_algorithms: hanse/summary")
    async with opened(bench, clerk) as station:
        first = bench.uplink.create(1, payload=payload)
        await bench.uplink.all_finished()
        clerk.write("allowed_algorithms: hanse/glm")
        look(station)
        second = bench.uplink.create(2, payload=payload)
        await bench.uplink.all_finished()
        assert (first.status, second.status) == (RunStatus.COMPLETED, RunStatus.NOT_ALLOWED)
        assert "rule: allowed_algorithms" in second.log
        await bench.until(lambda: bench.shared()[-1]["allowed_algorithms"] == ["hanse/glm"])


async def test_a_working_node_looks_at_its_policy_by_itself_and_refuses_what_it_no_longer_allows(
    bench: Any, payload: str
) -> None:
    clerk = Clerk(bench.directory)
    clerk.write("allowed_algorithms: hanse/summary")
    async with opened(bench, clerk) as station:
        first = bench.uplink.create(1, payload=payload)
        await bench.uplink.all_finished()
        clerk.write("allowed_algorithms: hanse/glm")
        await bench.until(lambda: station.gate.rulebook.edition.number == 2)
        second = bench.uplink.create(2, payload=payload)
        await bench.uplink.all_finished()
        assert (first.status, second.status) == (RunStatus.COMPLETED, RunStatus.NOT_ALLOWED)


async def test_a_node_tells_of_a_new_edition_once(bench: Any) -> None:
    clerk = Clerk(bench.directory)
    clerk.write("allowed_algorithms: hanse/summary")
    told: list[None] = []
    book = clerk.rulebook()
    watching = asyncio.ensure_future(book.watch(lambda: told.append(None), 0.001))
    clerk.write("allowed_algorithms: hanse/glm")
    await bench.until(lambda: told)
    watching.cancel()
    assert book.edition.number == 2


async def test_a_run_that_waited_for_a_place_is_judged_again_when_the_policy_has_changed(
    bench: Any, payload: str
) -> None:
    clerk = Clerk(bench.directory)
    clerk.config.write_text(clerk.config.read_text() + "limits: {parallel_runs: 1}\n")
    clerk.write("allowed_algorithms: [hanse/hangs, hanse/summary]")
    async with opened(bench, clerk) as station:
        first = bench.uplink.create(1, image="hanse/hangs", payload=payload)
        await bench.until(lambda: first.status is RunStatus.ACTIVE)
        waiting = bench.uplink.create(2, payload=payload)
        await bench.until(lambda: len(station.journal.unfinished()) == 1)
        clerk.write("allowed_algorithms: [hanse/hangs]")
        look(station)
        bench.uplink.kill(1)
        await bench.uplink.all_finished()
    assert waiting.status is RunStatus.NOT_ALLOWED


async def test_while_the_policy_cannot_be_read_refusals_are_told_and_results_wait(bench: Any, payload: str) -> None:
    clerk = Clerk(bench.directory)
    clerk.write("allowed_algorithms: [hanse/summary, hanse/gated]")
    gate = asyncio.Event()

    async def gated(environment: Any, files: Any) -> None:
        await gate.wait()
        files.write_output(b'{"rows": 42}')

    bench.algorithms["hanse/gated"] = gated
    async with opened(bench, clerk) as station:
        running = bench.uplink.create(1, image="hanse/gated", payload=payload)
        await bench.until(lambda: running.status is RunStatus.ACTIVE)
        clerk.write("[")
        look(station)
        refused = bench.uplink.create(2, payload=payload)
        await bench.until(lambda: refused.finished_at)
        assert "(rule: policy unreadable)" in refused.log
        gate.set()
        await bench.until(lambda: station.journal.find([1])[1].phase is Phase.RUNNING and not running.finished_at)
        clerk.write("allowed_algorithms: hanse/glm\nresults: {max_bytes: 3}")
        look(station)
        await bench.uplink.all_finished()
    assert "at most 3" in running.log


async def test_a_node_does_not_start_with_a_policy_that_cannot_be_read(bench: Any) -> None:
    clerk = Clerk(bench.directory)
    clerk.write("allowed_algorithms: [")
    with pytest.raises(CannotStart, match=r"policy\.yaml is not valid YAML"):
        async with opened(bench, clerk):
            pass


async def test_a_stock_file_without_policies_starts_and_refuses_until_the_defaults_are_accepted(
    bench: Any, payload: str
) -> None:
    clerk = Clerk(bench.directory)
    stock = clerk.config.read_text().replace("policies_file: policy.yaml\n", "")
    clerk.config.write_text(stock)
    refused = bench.uplink.create(1, payload=payload)
    async with opened(bench, clerk):
        await bench.uplink.all_finished()
    assert (refused.status, "(rule: no policy)" in refused.log) == (RunStatus.NOT_ALLOWED, True)
    clerk.config.write_text(stock + "accept_v4_defaults: true\n")
    accepted = bench.uplink.create(2, payload=payload)
    async with opened(bench, clerk):
        await bench.uplink.all_finished()
    assert accepted.status is RunStatus.COMPLETED


async def test_the_engine_is_told_the_terms_of_the_policy(bench: Any, payload: str) -> None:
    specs: list[Any] = []

    class Told(MemoryRuntime):
        async def start(self, spec: Any) -> str:
            specs.append(spec)
            return await super().start(spec)

    exception = {"images": "hanse/summary", "profile": "v4", "capabilities": "CHOWN"}
    settings = bench.settings(policies={"allowed_algorithms": "glob:hanse/*", "per_image": [exception]})
    async with (
        main.opened(settings, bench.uplink, Told(bench.algorithms, bench.engine)) as station,
        bench.working(station),
    ):
        bench.uplink.create(1, payload=payload)
        bench.uplink.create(2, image="hanse/empty", payload=payload)
        await bench.uplink.all_finished()
    told = {spec.image: (spec.profile, spec.capabilities) for spec in specs}
    assert told == {"hanse/summary": ("v4", ("CHOWN",)), "hanse/empty": (None, ())}


@pytest.fixture
def changes_data(bench: Any) -> Any:
    """An algorithm that adds a line to its database."""

    def change(environment: Any, files: RunFiles) -> None:
        path = Path(files.databases["default"])
        path.write_text(path.read_text() + "3,4\n")
        files.write_output(json.dumps([str(path), path.read_text()]).encode())

    bench.algorithms["hanse/changes"] = change
    return bench


def may_change(images: str) -> dict[str, Any]:
    exception = {"images": images, "writable_databases": "default"}
    return {"allowed_algorithms": "glob:hanse/*", "per_image": [exception]}


async def test_an_image_that_may_change_a_database_gets_a_copy_that_goes_with_the_run(
    changes_data: Any, payload: str
) -> None:
    async with changes_data.node(policies=may_change("hanse/changes")):
        changes_data.uplink.create(1, image="hanse/changes", payload=payload, databases=[DatabaseChoice("default")])
        await changes_data.uplink.all_finished()
    record = changes_data.uplink.runs[1]
    assert record.status is RunStatus.COMPLETED, record
    path, text = json.loads(base64.b64decode(record.result))
    assert text == "age,sex\n1,2\n3,4\n"
    assert Path(path).is_relative_to(changes_data.directory / "runs")
    assert list((changes_data.directory / "runs").iterdir()) == []
    assert (changes_data.directory / "d.csv").read_text() == "age,sex\n1,2\n"


async def test_a_copy_for_which_there_is_no_room_is_refused_with_that_cause(
    changes_data: Any, payload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "SPARE_BYTES", 10**18)
    async with changes_data.node(policies=may_change("hanse/changes")):
        changes_data.uplink.create(1, image="hanse/changes", payload=payload, databases=[DatabaseChoice("default")])
        await changes_data.uplink.all_finished()
    record = changes_data.uplink.runs[1]
    assert record.status is RunStatus.START_FAILED
    assert "no room for the copy" in record.log
    assert list((changes_data.directory / "runs").iterdir()) == []
