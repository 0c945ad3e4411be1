"""End-to-end encryption at the user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hanse.encryption import open_result
from hanse_core.crypto import keys
from hanse_core.crypto.sealer import EnvelopeSealer
from hanse_core.errors import Conflict, Invalid, KeyChanged


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


SECURE: dict[str, Any] = {"collaboration": "secure", "image": "i", "method": "m", "arguments": {"a": 1}}


@pytest.fixture(scope="module")
def own() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def beta() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def key_file(own: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    path = tmp_path / "alpha.pem"
    path.write_bytes(keys.private_to_pem(own))
    return path


async def test_the_key_is_published_when_none_is(client: Any, server: Any, key_file: Path, own: Any) -> None:
    fingerprint = await client.setup_encryption(key_file)
    assert server.organizations[2]["public_key"] == keys.publish(own)
    assert fingerprint == keys.fingerprint(keys.publish(own))
    assert await client.setup_encryption(str(key_file)) == fingerprint
    assert len(server.sent("PATCH", "organization/2")) == 1


async def test_another_published_key_is_replaced_only_on_request(client: Any, server: Any, own: Any, beta: Any) -> None:
    server.organizations[2]["public_key"] = keys.publish(beta)
    with pytest.raises(Conflict, match="alpha has published another key"):
        await client.setup_encryption(own)
    assert server.organizations[2]["public_key"] == keys.publish(beta)
    await client.setup_encryption(own, replace=True)
    assert server.organizations[2]["public_key"] == keys.publish(own)


async def test_a_file_that_is_no_key_is_named(client: Any, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"nothing\.pem cannot be read"):
        await client.setup_encryption(tmp_path / "nothing.pem")


async def test_inputs_are_sealed_per_organization_and_results_opened(
    client: Any, server: Any, own: Any, beta: Any
) -> None:
    server.organizations[3]["public_key"] = keys.publish(beta)
    await client.setup_encryption(own)
    task = await client.tasks.create(**SECURE)
    sealed = {each["id"]: each["input"] for each in json.loads(server.sent("POST", "task")[0].content)["organizations"]}
    for id, key in ((2, own), (3, beta)):
        assert json.loads(EnvelopeSealer(key).open(sealed[id]))["kwargs"] == {"a": 1}
    with pytest.raises(Invalid, match="another key"):
        EnvelopeSealer(beta).open(sealed[2])
    answer = EnvelopeSealer(beta).seal(b'{"mean": 61.5}', keys.publish(own))
    server.finish(task.id, {2: answer, 3: answer})
    assert (await client.tasks.wait(task, progress=False)).by_organization["beta"] == {"mean": 61.5}


async def test_a_server_that_swaps_a_key_between_two_tasks_reads_neither(
    client: Any, server: Any, own: Any, beta: Any
) -> None:
    mallory = keys.publish(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    server.organizations[3]["public_key"] = keys.publish(beta)
    await client.setup_encryption(own)
    await client.tasks.create(**SECURE)
    server.organizations[3]["public_key"] = mallory
    sent = len(server.requests)
    with pytest.raises(KeyChanged, match=r"organization 3 \(beta\) has changed") as refused:
        await client.tasks.create(**SECURE)
    for words in (keys.fingerprint(keys.publish(beta)), keys.fingerprint(mallory), "hanse key trust --server http://"):
        assert words in refused.value.message
    with pytest.raises(KeyChanged):
        await client.collaborations.columns("secure", "default")
    assert all(request.method == "GET" for request in server.requests[sent:])
    server.organizations[3]["public_key"] = ""
    await client.tasks.create(**SECURE)
    EnvelopeSealer(beta).open(_inputs(server)[3])
    server.organizations[3]["public_key"] = mallory
    await client.known_keys.trust(3, keys.fingerprint(mallory))
    await client.tasks.create(**SECURE)
    with pytest.raises(Invalid, match="another key"):
        EnvelopeSealer(beta).open(_inputs(server)[3])


async def test_one_s_own_key_is_that_of_the_private_key_whatever_the_server_says(
    client: Any, server: Any, own: Any, beta: Any
) -> None:
    server.organizations[3]["public_key"] = keys.publish(beta)
    await client.setup_encryption(own)
    server.organizations[2]["public_key"] = keys.publish(beta)
    with pytest.raises(KeyChanged, match="organization 2"):
        await client.tasks.create(**SECURE)
    assert server.tasks == {}


def _inputs(server: Any) -> dict[int, str]:
    """Give what the last task brought for each organization."""
    return {each["id"]: each["input"] for each in json.loads(server.sent("POST", "task")[-1].content)["organizations"]}


async def test_without_a_key_nothing_is_sent_to_an_encrypted_collaboration(client: Any, server: Any) -> None:
    with pytest.raises(Invalid, match="setup_encryption"):
        await client.tasks.create(**SECURE)
    assert server.tasks == {}


async def test_with_a_key_nothing_readable_is_sent_unless_one_says_so(client: Any, server: Any, own: Any) -> None:
    await client.setup_encryption(own)
    open_one = {**SECURE, "collaboration": "lung"}
    with pytest.raises(Invalid, match="plain=True"):
        await client.tasks.create(**open_one)
    assert server.tasks == {}
    assert await client.tasks.create(**open_one, plain=True)


async def test_an_organization_without_a_published_key_is_named(client: Any, own: Any) -> None:
    await client.setup_encryption(own)
    with pytest.raises(Invalid, match="beta: the organization has not published a public key"):
        await client.tasks.create(**SECURE)


def test_a_result_needs_the_key_it_was_sealed_for(own: Any) -> None:
    sealed = EnvelopeSealer(own).seal(b"1", keys.publish(own))
    assert open_result(sealed, EnvelopeSealer(own)) == 1
    with pytest.raises(Invalid, match="setup_encryption"):
        open_result(sealed, None)


def test_a_result_may_be_absent_empty_or_no_json(own: Any) -> None:
    assert open_result(None, None) is None
    assert open_result("", EnvelopeSealer(own)) is None
    assert open_result("AAEC", None) == b"\x00\x01\x02"
    assert open_result(EnvelopeSealer(own).seal(b"", keys.publish(own)), EnvelopeSealer(own)) is None
