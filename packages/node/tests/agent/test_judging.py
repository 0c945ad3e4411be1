"""What the policy of a station does to real runs: refusals with their rule, limits on what leaves, copies of data."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from hanse_core.errors import Unavailable
from hanse_core.states import RunStatus
from hanse_node import copies, main
from hanse_node.journal import Journal
from hanse_node.offers import DatabaseChoice
from hanse_node.runtimes.memory import MemoryRuntime, RunFiles

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
