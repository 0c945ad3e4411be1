"""What goes wrong says what it was, at every hand; nothing hangs and nothing is lost."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hanse import Client, TaskFailed
from hanse_core.errors import HanseError, Invalid, NotFound, Unauthenticated, Unavailable
from hanse_node.workspace import Workspace
from hanse_sandbox import misbehaving
from hanse_sandbox.lung import split
from hanse_sandbox.network import ALGORITHMS, Network, Server
from hanse_sandbox.processes import Process, free_port

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def network(module_folder: Path) -> Iterator[Network]:
    with Network(module_folder) as network:
        network.server.start()
        stations = {name: {"default": path} for name, path in split(module_folder).items()}
        images = {**ALGORITHMS, misbehaving.IMAGE: misbehaving.PACKAGE, "hanse/unlisted": "hanse_summary"}
        network.federate(
            stations,
            images=images,
            policies={"allowed_algorithms": [*ALGORITHMS, misbehaving.IMAGE, "hanse/nowhere"]},
            limits={"seconds": 15, "log_bytes": 100_000},
        )
        network.start_nodes()
        yield network


@pytest.fixture
def client(network: Network) -> Iterator[Client]:
    with network.client() as client:
        yield client


def _fails(client: Client, method: str, image: str = misbehaving.IMAGE, **arguments: Any) -> str:
    """Run at one station, expect failure, and give all that the researcher is told."""
    with pytest.raises(TaskFailed) as failure:
        client.tasks.run(
            collaboration="demo",
            organizations=["hamburg"],
            image=image,
            method=method,
            arguments=arguments,
            timeout=60,
            progress=False,
        )
    return str(failure.value)


def test_an_unknown_column_is_named_with_those_that_exist(client: Client) -> None:
    told = _fails(client, "summary", image="hanse/summary", columns=["age", "shoe.size"])
    assert "shoe.size" in told
    assert "meal.cal" in told


def test_an_unknown_method_is_named_with_those_that_exist(client: Client) -> None:
    told = _fails(client, "sumary", image="hanse/summary")
    assert "sumary" in told
    assert "summary" in told


def test_an_unknown_argument_is_named(client: Client) -> None:
    assert "colour" in _fails(client, "waits", seconds=0, colour="red")


def test_an_unknown_database_is_named_with_those_that_exist(client: Client) -> None:
    with pytest.raises(TaskFailed, match=r"(?s)biobank.*default"):
        client.tasks.run(
            collaboration="demo",
            organizations=["hamburg"],
            image="hanse/summary",
            method="summary",
            arguments={"columns": ["age"]},
            databases=["biobank"],
            timeout=60,
            progress=False,
        )


def test_an_unknown_organization_is_named_with_those_that_exist(client: Client) -> None:
    with pytest.raises(HanseError, match=r"(?s)rostock.*(bremen|hamburg)"):
        client.tasks.create(collaboration="demo", organizations=["rostock"], image="hanse/summary", method="summary")


def test_an_unknown_organization_id_is_refused(client: Client) -> None:
    with pytest.raises((Invalid, NotFound), match="4711"):
        client.tasks.create(collaboration="demo", organizations=[4711], image="hanse/summary", method="summary")


def test_a_wrong_password_is_refused_without_saying_what_was_wrong(network: Network) -> None:
    for username in ("researcher", "nobody-of-this-name"):
        with (
            Client(network.server.url, username, "Wrong-password-1") as client,
            pytest.raises(Unauthenticated) as error,
        ):
            client.organizations.list()
        assert "username or password" in str(error.value)


def test_an_image_that_no_policy_allows_does_not_run(client: Client) -> None:
    told = _fails(client, "summary", image="hanse/unlisted", columns=["age"])
    assert "not allowed" in told
    assert "hanse/unlisted" in told


def test_an_image_that_the_station_does_not_have_says_so(client: Client) -> None:
    told = _fails(client, "summary", image="hanse/nowhere", columns=["age"])
    assert "non-existing Docker image" in told
    assert "hanse/nowhere" in told


def test_a_result_that_is_not_json_says_where(client: Client) -> None:
    told = _fails(client, "gives_an_object")
    assert "JSON" in told
    assert "wrong" in told


def test_an_algorithm_that_raises_tells_its_reason(client: Client) -> None:
    assert "the moon is full" in _fails(client, "raises", message="the moon is full")


def test_a_partial_that_raises_reaches_the_researcher_with_station_and_reason(client: Client) -> None:
    told = _fails(client, "raises_everywhere", message="the moon is full")
    assert "the moon is full" in told
    assert re.search("failed at (bremen|hamburg|luebeck): ", told)  # whichever was first


def test_an_algorithm_that_hangs_is_ended_at_the_time_limit(client: Client) -> None:
    assert "time limit" in _fails(client, "hangs")


def test_an_algorithm_that_writes_nothing_says_so_in_its_log(client: Client) -> None:
    task = client.tasks.create(
        collaboration="demo", organizations=["hamburg"], image=misbehaving.IMAGE, method="leaves_without_a_word"
    )
    assert client.tasks.wait(task, timeout=60, progress=False) == [None]
    (run,) = client.runs.list(task_id=task.id)
    assert "wrote no result" in (run.log or "")


def test_an_algorithm_that_dies_is_crashed(client: Client) -> None:
    assert "crashed" in _fails(client, "dies")


def test_an_algorithm_that_prints_100_MB_answers_and_its_log_is_cut(client: Client) -> None:
    task = client.tasks.create(
        collaboration="demo",
        organizations=["hamburg"],
        image=misbehaving.IMAGE,
        method="talks",
        arguments={"megabytes": 100},
    )
    assert client.tasks.wait(task, timeout=60, progress=False) == [100]
    (run,) = client.runs.list(task_id=task.id)
    assert 50_000 < len(run.log or "") < 300_000


def test_children_of_an_algorithm_end_with_it(client: Client, network: Network) -> None:
    before = _sleepers()
    client.tasks.run(
        collaboration="demo",
        organizations=["hamburg"],
        image=misbehaving.IMAGE,
        method="leaves_children",
        timeout=60,
        progress=False,
    )
    assert _sleepers() == before


def _sleepers() -> int:
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += b"time.sleep(3600)" in path.read_bytes()
        except OSError:
            continue
    return found


def test_the_token_of_another_run_opens_nothing(client: Client, network: Network) -> None:
    waiting = client.tasks.create(
        collaboration="demo",
        organizations=["hamburg"],
        image=misbehaving.IMAGE,
        method="waits",
        arguments={"seconds": 4},
    )
    deadline = time.monotonic() + 20
    while not (tokens := list(network.stations["hamburg"].directory.rglob("token"))):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (answer,) = client.tasks.run(
        collaboration="demo",
        organizations=["hamburg"],
        image=misbehaving.IMAGE,
        method="asks_as",
        arguments={"token": tokens[0].read_text().strip(), "path": "task"},
        timeout=60,
        progress=False,
    )
    assert answer == {"status": 401}
    assert client.tasks.wait(waiting, timeout=60, progress=False)


@pytest.mark.needs("bwrap")
def test_an_isolated_algorithm_sees_no_file_of_the_station(client: Client, network: Network) -> None:
    station = network.stations["hamburg"].directory
    paths = [str(path) for path in station.rglob("*") if path.is_file()]
    paths += ["/etc/shadow", str(network.folder / "bremen.csv")]
    assert str(station / "api-key") in paths
    (answer,) = client.tasks.run(
        collaboration="demo",
        organizations=["hamburg"],
        image=misbehaving.IMAGE,
        method="reads",
        arguments={"paths": paths},
        timeout=60,
        progress=False,
    )
    assert [path for path, is_readable in answer.items() if is_readable] == []


def test_a_client_without_a_server_says_which_address_does_not_answer() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with Client(url, "researcher", "Some-password-1") as client, pytest.raises(Unavailable, match=url):
        client.organizations.list()


def test_a_node_without_a_server_waits_for_it_and_says_so(short_folder: Path) -> None:
    with Network(short_folder) as network:
        network.server.start()
        network.federate({name: {"default": path} for name, path in split(short_folder).items()})
        network.server.process.stop()
        node = network.stations["bremen"].process
        node.start()
        node.wait_until(lambda: "server" in node.last_lines(), 20, "said that the server is away")
        assert node.is_running
        network.server.start()
        with network.server.root() as root:
            network.wait_online(network.stations["bremen"], root)


def test_a_node_with_a_wrong_key_ends_and_says_so(short_folder: Path) -> None:
    with Network(short_folder) as network:
        network.server.start()
        network.federate({name: {"default": path} for name, path in split(short_folder).items()})
        station = network.stations["bremen"]
        (station.directory / "api-key").write_text("00000000-0000-4000-8000-000000000000")
        ran = subprocess.run(
            [sys.executable, "-m", "hanse_core", "node", "start", "--config", str(station.config)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ran.returncode != 0
        assert "API key" in ran.stderr + ran.stdout
        assert "Traceback" not in ran.stderr + ran.stdout


def test_a_corrupt_journal_is_named_and_never_thrown_away(short_folder: Path) -> None:
    with Network(short_folder) as network:
        network.server.start()
        network.federate({name: {"default": path} for name, path in split(short_folder).items()})
        station = network.stations["bremen"]
        station.process.start()
        with network.server.root() as root:
            network.wait_online(station, root)
        station.process.kill()
        journal = Workspace(station.directory).journal
        for file in journal.parent.glob(f"{journal.name}*"):  # what a power cut left in the write-ahead log too
            file.write_bytes(b"this is no database" * 1000)
        ran = subprocess.run(
            [sys.executable, "-m", "hanse_core", "node", "start", "--config", str(station.config)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ran.returncode != 0
        assert journal.name in ran.stderr + ran.stdout
        assert "Traceback" not in ran.stderr + ran.stdout
        assert journal.read_bytes().startswith(b"this is no database")


def test_a_busy_port_is_named_with_a_remedy(short_folder: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        server = Server(short_folder, port)
        process: Process = server.process
        process.start()
        deadline = time.monotonic() + 30
        while process.is_running:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        said = process.last_lines()
    assert str(port) in said
    assert "--port" in said
    assert "Traceback" not in said
