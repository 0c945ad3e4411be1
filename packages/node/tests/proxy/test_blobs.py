"""Inputs and results of an algorithm's subtasks, streamed through its proxy."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from hanse_core.crypto import keys
from hanse_core.crypto.streams import BlobPayload, Opener
from hanse_core.errors import Unauthenticated
from hanse_node.messages import Answer, Forward

NAME = "5b0c5cf5-33a5-4b8f-8f0c-1f1f5a2f6c11"
LARGE = os.urandom(100_000)


def answer(body: object, status: int = 200) -> Answer:
    return status, {"content-type": "application/json"}, json.dumps(body).encode()


def takes_blobs(stored: list[bytes], otherwise: object = None, rejected: str = "none") -> Any:
    """Be a server with a blob store that does not take tokens in which `rejected` occurs."""

    def handle(request: Forward) -> Answer:
        if rejected in str(request.token):
            return answer({"msg": "expired"}, 401)
        if request.path == "/blobstream/status":
            return answer({"blob_store_enabled": True})
        if request.path == "/blobstream":
            assert isinstance(request.body, bytes)
            stored.append(request.body)
            return answer({"uuid": NAME}, 201)
        return answer(otherwise)

    return handle


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 7000):
        yield content[at : at + 7000]


def opened(blob: bytes, key: Any = None) -> tuple[bytes, bool]:
    opener = Opener(key, is_blob=True)
    return opener.feed(blob) + opener.finish(), opener.is_sealed


async def test_what_is_uploaded_in_the_clear_is_stored_as_base64(served: Any) -> None:
    stored: list[bytes] = []
    served.answer(takes_blobs(stored))
    response = await served.ask("POST", "/blobstream", content=pieces(LARGE))
    assert (response.status_code, response.json()) == (201, {"uuid": NAME})
    assert opened(stored[0]) == (LARGE, False)
    assert {request.token for request in served.uplink.forwarded} == {"e30.e30.server"}
    assert "x-public-key" not in served.uplink.forwarded[-1].headers


async def test_an_upload_begins_with_a_token_that_the_server_takes(served: Any) -> None:
    stored: list[bytes] = []
    served.answer(takes_blobs(stored, rejected="server"))
    assert (await served.ask("POST", "/blobstream", content=pieces(LARGE))).status_code == 201
    assert opened(stored[0])[0] == LARGE


def beta(key: Any) -> dict[str, object]:
    return {"id": 2, "name": "beta", "public_key": keys.publish(key)}


@pytest.mark.parametrize("as_list", [False, True])
async def test_an_upload_is_sealed_for_the_organization_that_was_read(pinned: Any, as_list: bool) -> None:
    served, partner, stored = pinned, keys.generate(), list[bytes]()
    organization = {"data": [beta(partner)]} if as_list else beta(partner)
    served.answer(takes_blobs(stored, organization))
    key = {"X-Public-Key": keys.publish(partner)}
    early = await served.ask("POST", "/blobstream", content=pieces(LARGE), headers=key)
    assert (early.status_code, "Read the organization first" in early.json()["msg"]) == (400, True)
    await served.ask("GET", "/organization" if as_list else "/organization/2")
    assert (await served.ask("POST", "/blobstream", content=pieces(LARGE), headers=key)).status_code == 201
    assert opened(stored[0], partner) == (LARGE, True)


async def test_nothing_is_sealed_for_a_key_that_changed_or_for_none(pinned: Any) -> None:
    served, stored, other = pinned, list[bytes](), keys.generate()
    for key in (keys.generate(), other):
        served.answer(takes_blobs(stored, beta(key)))
        assert (await served.ask("GET", "/organization/2")).status_code == 200
    for headers in ({"X-Public-Key": keys.publish(other)}, {"X-Public-Key": "nonsense"}, {}):
        response = await served.ask("POST", "/blobstream", content=pieces(LARGE), headers=headers)
        assert response.status_code == 400
    assert stored == []


async def test_a_subtask_names_the_blob_that_was_uploaded_for_it(sealed: Any) -> None:
    served, _ = sealed
    served.answer(lambda request: answer({"id": 9}, 201))
    await served.ask("POST", "/task", json={"organizations": [{"id": 2, "input": NAME}]})
    assert json.loads(served.uplink.forwarded[0].body)["organizations"] == [{"id": 2, "input": NAME}]


async def test_a_blob_is_opened_on_its_way_to_the_algorithm_however_often_the_line_breaks(
    sealed: Any, key_file: Path
) -> None:
    served, _ = sealed
    public = keys.load_private(key_file).public_key()
    served.uplink.blobs[NAME] = b"".join(BlobPayload(LARGE, public).pieces())
    served.uplink.faults.chance, served.uplink.faults.cut_blob = Random(4), 0.03
    response = await served.ask("GET", f"/blobstream/{NAME}", timeout=60)
    assert response.content == LARGE
    assert response.headers["content-type"] == "application/octet-stream"
    begins = [start for _, start in served.uplink.downloads]
    assert len(begins) > 1
    assert begins == sorted(begins)


async def test_the_server_decides_which_blobs_a_run_may_have(served: Any) -> None:
    assert (await served.ask("GET", f"/blobstream/{NAME}")).status_code == 404
    assert (await served.ask("GET", "/blobstream/../user")).status_code == 404
    served.uplink.faults.refuse["download"] = Unauthenticated("not yours")
    assert (await served.ask("GET", f"/blobstream/{NAME}")).status_code == 401


async def test_a_blob_that_turns_out_damaged_breaks_the_connection(served: Any) -> None:
    whole = b"".join(BlobPayload(LARGE).pieces())
    served.uplink.blobs[NAME] = whole[:60_000] + b"*" + whole[60_001:]
    with pytest.raises(httpx.RemoteProtocolError):
        await served.ask("GET", f"/blobstream/{NAME}")
