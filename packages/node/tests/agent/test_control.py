"""What whoever runs the node can see and do from this machine."""

import asyncio
import json
import socket
from typing import Any

import pytest

from hanse_core.crypto import keys
from hanse_core.errors import Invalid, Unavailable
from hanse_core.states import RunStatus
from hanse_node import control
from hanse_node.known_keys import KnownKeys
from hanse_node.messages import Organization
from hanse_node.uplink.base import Identity


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
    KnownKeys(bench.directory / "keys.json").put(2, keys.publish(keys.generate()), "beta")
    changed = keys.publish(keys.generate())
    bench.uplink.organizations[2] = Organization("beta", changed)
    encryption = {"enabled": True, "private_key": key_file}
    refused = bench.uplink.create(1, payload=own.seal(b'{"method": "m"}', own.public_key), init_org=2)
    async with bench.node(encryption=encryption):
        await bench.uplink.all_finished()
        assert (refused.status, refused.started_at) == (RunStatus.NOT_ALLOWED, None)
        assert "has changed" in refused.log
        assert bench.engine.started == 0
        KnownKeys(bench.directory / "keys.json").trust(2)
        confirmed = bench.uplink.create(2, payload=own.seal(b'{"method": "m"}', own.public_key), init_org=2)
        await bench.uplink.all_finished()
    assert confirmed.status is RunStatus.COMPLETED
