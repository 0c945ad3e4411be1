"""Inputs and results that lie in the server's blob store."""

import base64
import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hanse_core.crypto import keys
from hanse_core.crypto.streams import BlobPayload, Opener
from hanse_core.errors import TooLarge, Unavailable, Unsupported
from hanse_core.states import RunStatus
from hanse_node.messages import Organization
from hanse_node.runtimes.memory import RunFiles
from hanse_node.settings import Encryption
from hanse_node.uplink.base import Identity

NAME = "5b0c5cf5-33a5-4b8f-8f0c-1f1f5a2f6c11"
LARGE = json.dumps({"method": "m", "text": base64.b64encode(os.urandom(30_000)).decode()}).encode()


async def _echoes(environment: Any, files: RunFiles) -> None:
    files.write_output(files.read_input())


@pytest.fixture
def bench(bench: Any) -> Any:
    bench.algorithms["hanse/summary"] = _echoes
    return bench


def stored(message: bytes, *recipient: Any) -> bytes:
    return b"".join(BlobPayload(message, *recipient).pieces())


async def test_an_input_is_fetched_from_the_blob_store_and_given_to_the_run(bench: Any) -> None:
    bench.uplink.blobs[NAME] = stored(LARGE)
    run = bench.uplink.create(1, payload=f'"{NAME}"', in_blob_store=True)
    async with bench.node() as station:
        await bench.uplink.all_finished()
        await bench.until(lambda: not station.workspace.strays(()))
    assert base64.b64decode(run.result) == LARGE
    assert bench.uplink.downloads == [(NAME, 0)]


async def test_after_a_broken_connection_it_goes_on_where_it_was(bench: Any) -> None:
    bench.uplink.blobs[NAME] = stored(LARGE)
    bench.uplink.faults.chance = Random(4)
    bench.uplink.faults.cut_blob = 0.05
    run = bench.uplink.create(1, payload=NAME, in_blob_store=True)
    async with bench.node():
        await bench.uplink.all_finished()
    assert base64.b64decode(run.result) == LARGE
    begins = [start for _, start in bench.uplink.downloads]
    assert len(begins) > 1
    assert begins == sorted(begins)
    assert begins[-1] > 0


async def test_a_sealed_input_is_opened_on_its_way(bench: Any, key_file: Path) -> None:
    encryption = Encryption(enabled=True, private_key=key_file)
    bench.uplink.identity = Identity(2, "station", 1, "alpha", 1, encrypted=True)
    public = keys.load_private(key_file).public_key()
    bench.uplink.blobs[NAME] = stored(LARGE, public)
    run = bench.uplink.create(1, payload=NAME, in_blob_store=True)
    read: list[bytes] = []

    async def reads(environment: Any, files: RunFiles) -> None:
        read.append(files.read_input())

    bench.algorithms["hanse/summary"] = reads
    async with bench.node(encryption=encryption):
        await bench.until(lambda: run.finished_at or read)
    assert read == [LARGE], run.log


async def test_an_input_that_is_not_sealed_is_refused_where_all_are(bench: Any, key_file: Path) -> None:
    bench.uplink.identity = Identity(2, "station", 1, "alpha", 1, encrypted=True)
    bench.uplink.blobs[NAME] = stored(LARGE)
    run = bench.uplink.create(1, payload=NAME, in_blob_store=True)
    async with bench.node(encryption=Encryption(enabled=True, private_key=key_file)):
        await bench.uplink.all_finished()
    assert (run.status, "not encrypted" in run.log) == (RunStatus.FAILED, True)


@pytest.mark.parametrize("name", ["../../token/node", "", NAME.upper(), f"{NAME}/../x"])
async def test_what_is_no_name_of_a_blob_leads_nowhere(bench: Any, name: str) -> None:
    run = bench.uplink.create(1, payload=name, in_blob_store=True)
    async with bench.node():
        await bench.uplink.all_finished()
    assert (run.status, bench.uplink.downloads) == (RunStatus.FAILED, [])
    assert "no name of a blob" in run.log


@pytest.mark.parametrize("content", [None, b"not base64 at all"])
async def test_an_input_that_is_gone_or_damaged_fails_the_run(bench: Any, content: bytes | None) -> None:
    if content is not None:
        bench.uplink.blobs[NAME] = content
    run = bench.uplink.create(1, payload=NAME, in_blob_store=True)
    async with bench.node() as station:
        await bench.uplink.all_finished()
        await bench.until(lambda: not station.workspace.strays(()))
    assert run.status is RunStatus.FAILED


async def test_a_store_that_was_switched_off_is_not_asked_again_and_again(bench: Any) -> None:
    refusal = Unsupported("this server has no blob store")
    bench.uplink.faults.refuse["download"] = refusal
    run = bench.uplink.create(1, payload=NAME, in_blob_store=True)
    async with bench.node():
        await bench.uplink.all_finished()
    assert "has no more" in run.log


async def test_a_run_that_is_killed_does_not_wait_for_its_input(bench: Any) -> None:
    bench.uplink.blobs[NAME] = stored(LARGE)
    bench.uplink.faults.cut_blob = 1.0
    run = bench.uplink.create(1, payload=NAME, in_blob_store=True)
    async with bench.node() as station:
        await bench.until(lambda: bench.uplink.downloads)
        bench.uplink.kill(1)
        await bench.until(lambda: not station.workspace.strays(()))
    assert run.status is RunStatus.KILLED


def opened(blob: bytes, key: Any = None) -> bytes:
    opener = Opener(key, is_blob=True)
    return opener.feed(blob) + opener.finish()


@pytest.mark.parametrize("is_sealed", [False, True])
async def test_a_result_is_uploaded_where_the_server_wants_that(bench: Any, key_file: Path, is_sealed: bool) -> None:
    key = keys.load_private(key_file) if is_sealed else None
    encryption = Encryption(enabled=is_sealed, private_key=key_file if is_sealed else None)
    bench.uplink.identity = Identity(2, "station", 1, "alpha", 1, encrypted=is_sealed)
    bench.uplink.organizations[1] = Organization("alpha", keys.publish(key) if key else "")
    bench.uplink.has_blobs = True
    bench.uplink.blobs[NAME] = stored(LARGE, *([key.public_key()] if key else []))
    run = bench.uplink.create(1, payload=NAME, in_blob_store=True)
    async with bench.node(encryption=encryption) as station:
        await bench.uplink.all_finished()
        await bench.until(lambda: not station.workspace.strays(()))
        assert not list((bench.directory / "answers").iterdir())
    assert run.status is RunStatus.COMPLETED, run.log
    assert run.result != NAME
    assert opened(bench.uplink.blobs[run.result], key) == LARGE


async def test_a_result_is_uploaded_again_when_the_answer_got_lost_also_after_a_restart(
    bench: Any, payload: str
) -> None:
    bench.uplink.has_blobs = True
    bench.uplink.faults.refuse["upload"] = Unavailable("the store is down")
    run = bench.uplink.create(1, payload=payload)
    async with bench.node():
        await bench.until(lambda: list((bench.directory / "answers").glob("*.json")))
    assert run.finished_at is None
    del bench.uplink.faults.refuse["upload"]
    async with bench.node():
        await bench.uplink.all_finished()
    assert opened(bench.uplink.blobs[run.result]) == base64.b64decode(payload)


@pytest.mark.parametrize("refusal", [TooLarge("at most 10 bytes"), Unsupported("there is none")])
async def test_a_result_that_the_blob_store_does_not_take_fails_the_run_with_the_cause(
    bench: Any, payload: str, refusal: Exception
) -> None:
    bench.uplink.has_blobs = True
    bench.uplink.faults.refuse["upload"] = refusal
    run = bench.uplink.create(1, payload=payload)
    async with bench.node():
        await bench.uplink.all_finished()
    assert (run.status, run.result) == (RunStatus.FAILED, "")
    assert str(refusal) in run.log


async def test_policy_and_limits_count_for_uploaded_results_too(bench: Any, payload: str) -> None:
    bench.uplink.has_blobs = True
    run = bench.uplink.create(1, payload=payload)
    policies = {"allowed_algorithms": ["^hanse/.*"], "results": {"max_bytes": 3}}
    async with bench.node(policies=policies):
        await bench.uplink.all_finished()
    assert (run.status, bench.uplink.blobs) == (RunStatus.FAILED, {})
    assert "results.max_bytes" in run.log
