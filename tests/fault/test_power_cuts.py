"""Nodes and server end without a chance to tidy up, in the middle of work; the work ends once, with its result."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hanse import Client
from hanse_node.journal import Journal
from hanse_node.workspace import Workspace
from hanse_sandbox import misbehaving
from hanse_sandbox.lung import split
from hanse_sandbox.network import Network

SECONDS = 3.0

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def network(short_folder: Path) -> Iterator[Network]:
    with Network(short_folder) as network:
        network.server.start()
        stations = {name: {"default": path} for name, path in split(short_folder).items()}
        network.federate(stations, images={misbehaving.IMAGE: misbehaving.PACKAGE})
        network.start_nodes()
        yield network


@pytest.fixture
def client(network: Network) -> Iterator[Client]:
    with network.client() as client:
        yield client


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _start(client: Client, network: Network) -> Any:
    """Start a central task whose three partials take a while, and wait until all of them are at work."""
    task = client.tasks.create(
        collaboration="demo",
        organizations=["hamburg"],
        image=misbehaving.IMAGE,
        method="waits_everywhere",
        arguments={"seconds": SECONDS},
    )
    _until(lambda: len(_partials(client, task.id)) == 3 and set(_partials(client, task.id)) == {"active"})
    return task


def _partials(client: Client, task_id: int) -> list[str]:
    return [
        run.status.value for child in client.tasks.list(parent_id=task_id) for run in client.runs.list(task_id=child.id)
    ]


def _starts(network: Network) -> dict[str, list[int]]:
    """Give, for each station, the runs that its journal says were started."""
    started = {}
    for name, station in network.stations.items():
        with Journal(Workspace(station.directory).journal) as journal:
            started[name] = [line["run_id"] for line in journal.decisions() if line["event"] == "started"]
    return started


def _everybody_answered_once(network: Network, client: Client, task: Any, answers: list[Any]) -> None:
    assert [sorted(answer) for answer in answers] == [sorted(network.organization_ids.values())]
    assert client.tasks.get(task.id).status == "completed"
    assert len(client.tasks.list(parent_id=task.id)) == 1
    assert _partials(client, task.id) == ["completed"] * 3
    for name, runs in _starts(network).items():
        assert len(runs) == len(set(runs)) == (2 if name == "hamburg" else 1)


@pytest.mark.parametrize("station", ["luebeck", "hamburg"], ids=["of a partial", "of the central function"])
def test_a_node_killed_in_the_middle_of_a_run_delivers_it_once_after_its_restart(
    network: Network, client: Client, station: str
) -> None:
    task = _start(client, network)
    node = network.stations[station].process
    node.kill()
    node.start()
    _everybody_answered_once(network, client, task, client.tasks.wait(task, timeout=60, progress=False))


def test_a_node_killed_and_started_after_its_run_ended_still_delivers_the_result(
    network: Network, client: Client
) -> None:
    task = _start(client, network)
    node = network.stations["luebeck"].process
    node.kill()
    time.sleep(SECONDS + 1)
    node.start()
    _everybody_answered_once(network, client, task, client.tasks.wait(task, timeout=60, progress=False))


def test_a_server_killed_in_the_middle_of_a_task_finishes_it_after_its_restart(
    network: Network, client: Client
) -> None:
    task = _start(client, network)
    network.server.process.kill()
    network.server.start()
    _everybody_answered_once(network, client, task, client.tasks.wait(task, timeout=60, progress=False))


def test_a_server_away_while_the_runs_end_gets_all_results_later(network: Network, client: Client) -> None:
    task = _start(client, network)
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.extend(client.tasks.wait(task, timeout=90, progress=False)))
    waiting.start()
    network.server.process.kill()
    time.sleep(SECONDS + 2)
    network.server.start()
    waiting.join(90)
    assert not waiting.is_alive()
    with network.client() as fresh:
        _everybody_answered_once(network, fresh, task, answers)
