"""A policy that changes while its node is at work, cannot be read, or is not there at all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hanse_core.states import RunStatus
from hanse_node import main, policy_file
from hanse_node.errors import CannotStart
from hanse_node.policy.decision import Request
from hanse_node.policy_file import Rulebook
from hanse_node.runs import Phase
from hanse_node.runtimes.memory import MemoryRuntime
from hanse_node.settings_file import load
from hanse_node.station import Station


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
        await bench.a_run_waits(station)
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
