"""What whoever runs the node can see and do from this machine."""

import asyncio
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from hanse_core import command
from hanse_core.crypto import keys
from hanse_core.errors import Invalid, Unavailable
from hanse_core.states import RunStatus
from hanse_node import control
from hanse_node.kept_logs import KeptLogs
from hanse_node.messages import Organization
from hanse_node.uplink.base import Identity
from hanse_node.vault import known_keys


async def ask(bench: Any, **request: object) -> Any:
    return await asyncio.to_thread(control.ask, bench.directory / "control", request)


async def test_the_node_tells_how_it_is(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, image="hanse/hangs", payload=payload)
    async with bench.node():
        await bench.until(lambda: run.status is RunStatus.ACTIVE)
        state = await ask(bench, do="status")
        bench.uplink.kill(1)
        await bench.uplink.all_finished()
    assert (state["node"], state["state"], state["runs"]) == ("alpha", "at work", [1])
    assert (state["organization"], state["collaboration"]) == ("alpha", 1)
    assert state["server_heard"]
    assert "in force" in state["policy"]


async def test_the_administrator_ends_a_run_and_who_asked_for_it_is_told(bench: Any, payload: str) -> None:
    run = bench.uplink.create(1, image="hanse/hangs", payload=payload)
    async with bench.node() as station:
        await bench.until(lambda: run.status is RunStatus.ACTIVE)
        await ask(bench, do="kill", run=1)
        await bench.uplink.all_finished()
        record = list(station.journal.decisions())
    assert run.status is RunStatus.KILLED
    assert "stopped by the administrator of this station" in run.log
    assert [line["reason"] for line in record if line["event"] == "killed"] == [
        "stopped by the administrator of this station"
    ]


async def test_what_a_run_has_printed_can_be_seen_here(bench: Any, payload: str) -> None:
    async def prints(environment: Any, files: Any) -> None:
        files.print("half-way")
        await asyncio.Event().wait()

    bench.algorithms["hanse/prints"] = prints
    run = bench.uplink.create(1, image="hanse/prints", payload=payload)
    async with bench.node():
        await bench.until(lambda: run.status is RunStatus.ACTIVE)
        assert "half-way" in await ask(bench, do="log", run=1)
        bench.uplink.kill(1)
        await bench.uplink.all_finished()


async def test_what_an_ended_run_has_printed_can_be_seen_for_a_while(
    bench: Any, payload: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = bench.directory / "alpha.yaml"
    about = {"api_key": "k", "server_url": "http://localhost", "directory": str(bench.directory)}

    def node(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = command.main(["node", *words, "--config", str(config)])
        told = capsys.readouterr()
        return code, told.out + told.err

    run = bench.uplink.create(1, payload=payload)
    bench.uplink.create(2, image="hanse/empty", payload=payload)
    config.write_text(json.dumps(about))
    async with bench.node() as station:
        await bench.uplink.all_finished()
        await bench.until(lambda: not station.workspace.strays(()))
        at_work = await asyncio.to_thread(node, "logs", "--run", "1", "--follow")
    kept = bench.directory / "logs" / "run-1.log"
    assert at_work[1].endswith("at work\n")
    assert node("logs", "--run", "1") == (0, "at work\n")
    assert "at work" not in run.log
    assert node("run", "show", "1")[1].splitlines()[-1] == f"log: {kept}"
    assert json.loads(node("run", "show", "1", "--json")[1].splitlines()[-1]) == {"run_id": 1, "log": str(kept)}
    assert (kept.stat().st_mode | kept.parent.stat().st_mode) & 0o077 == 0
    code, told = node("logs", "--run", "2")
    assert (code, "does not run" in told, "run-2.log: it printed nothing" in told) == (1, True, True)

    os.utime(kept, (0, 0))
    bench.uplink.create(3, payload=payload)
    async with bench.node() as station:
        await bench.until(lambda: not kept.exists())
    assert node("logs", "--run", "1")[0] == 1


def test_of_more_logs_than_there_is_room_for_the_newest_are_kept(tmp_path: Path) -> None:
    logs = KeptLogs(tmp_path / "logs", days=1, most_bytes=25)
    for number in range(1, 5):
        logs.keep(number, b"ten bytes.")
        os.utime(logs.path(number), (time.time() - 100 + number,) * 2)
    logs.tidy()
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["run-3.log", "run-4.log"]
    KeptLogs(tmp_path / "none", days=0, most_bytes=25).keep(1, b"x")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "request_", [{"do": "kill", "run": 9}, {"do": "log", "run": 9}, {"do": "dance"}, {}, {"do": "kill", "run": None}]
)
async def test_what_cannot_be_done_is_said(bench: Any, request_: dict[str, object]) -> None:
    async with bench.node():
        with pytest.raises(Invalid):
            await ask(bench, **request_)


@pytest.mark.parametrize("line", [b"\n", b"[1]\n", b"\xff\n", b'"status"\n', b"{" * 100_000])
async def test_a_request_that_cannot_be_read_harms_nothing(bench: Any, line: bytes) -> None:
    def send() -> bytes:
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(str(bench.directory / "control"))
            door.sendall(line)
            door.shutdown(socket.SHUT_WR)
            return door.makefile("rb").readline()

    async with bench.node():
        try:
            answer = await asyncio.to_thread(send)
        except OSError:
            answer = b""
        assert not answer or "cannot be read" in json.loads(answer)["error"]
        assert (await ask(bench, do="status"))["state"] == "at work"


async def test_only_the_owner_can_open_the_door_and_it_goes_with_the_node(bench: Any) -> None:
    async with bench.node():
        assert (bench.directory / "control").stat().st_mode & 0o777 == 0o600
    assert not (bench.directory / "control").exists()
    with pytest.raises(Unavailable, match="does not run"):
        await ask(bench, do="status")


async def test_a_run_for_an_organization_whose_key_has_changed_is_refused(bench: Any, key_file: Any) -> None:
    from hanse_core.crypto.sealer import EnvelopeSealer

    own = EnvelopeSealer(keys.load_private(key_file))
    bench.uplink.identity = Identity(2, "station", 1, "alpha", 1, encrypted=True)
    bench.uplink.organizations[1] = Organization("alpha", own.public_key)
    known_keys(bench.directory / "keys.json").put(2, keys.publish(keys.generate()), "beta")
    changed = keys.publish(keys.generate())
    bench.uplink.organizations[2] = Organization("beta", changed)
    encryption = {"enabled": True, "private_key": key_file}
    refused = bench.uplink.create(1, payload=own.seal(b'{"method": "m"}', own.public_key), init_org=2)
    async with bench.node(encryption=encryption):
        await bench.uplink.all_finished()
        assert (refused.status, refused.started_at) == (RunStatus.NOT_ALLOWED, None)
        assert "has changed" in refused.log
        assert bench.engine.started == 0
        known_keys(bench.directory / "keys.json").trust(2, keys.fingerprint(changed))
        confirmed = bench.uplink.create(2, payload=own.seal(b'{"method": "m"}', own.public_key), init_org=2)
        await bench.uplink.all_finished()
    assert confirmed.status is RunStatus.COMPLETED
