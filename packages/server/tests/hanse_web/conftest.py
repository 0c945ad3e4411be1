"""Stand-ins of S3 and Azure Blob Storage as processes of their own."""

import base64
import hashlib
import hmac
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from s3_store import MOTO, s3_store

AZURITE = "azurite@3.35.0"
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key of the emulator, which is the same everywhere and published by its maker."""


@pytest.fixture(scope="session")
def object_store(environment: Callable[..., Path]) -> Iterator[Callable[[str], str]]:
    """Start a store by its name, `s3`; give its address."""
    with ExitStack() as running:

        def start(kind: str) -> str:
            assert kind == "s3"
            return running.enter_context(s3_store(environment(MOTO)))

        yield start


@pytest.fixture(scope="session")
def azure_container(npm_environment: Callable[..., tuple[str, Path]]) -> Iterator[Callable[[str], str]]:
    """Make a container in a running Azure emulator; give the connection string."""
    node, folder = npm_environment(AZURITE)
    port = _free_port()
    options = ["--silent", "--skipApiVersionCheck", "--inMemoryPersistence", "--disableTelemetry"]
    command = [node, str(folder / "node_modules/.bin/azurite-blob"), *options]
    process = subprocess.Popen(
        [*command, "--blobHost", "127.0.0.1", "--blobPort", str(port)], stdout=subprocess.DEVNULL
    )
    endpoint = f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
    try:
        _wait_for(process, port)
        yield lambda name: _container(endpoint, name)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _container(endpoint: str, name: str) -> str:
    moment, version = formatdate(usegmt=True), "2021-08-06"
    headers = f"x-ms-date:{moment}\nx-ms-version:{version}\n"
    # The account stands twice: once as the owner, once as the first part of the emulator's path.
    resource = f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}/{name}\nrestype:container"
    text = "PUT" + "\n" * 12 + headers + resource
    signature = base64.b64encode(hmac.digest(base64.b64decode(AZURE_KEY), text.encode(), hashlib.sha256)).decode()
    answer = httpx.put(
        f"{endpoint}/{name}?restype=container",
        headers={
            "x-ms-date": moment,
            "x-ms-version": version,
            "Authorization": f"SharedKey {AZURE_ACCOUNT}:{signature}",
            "Content-Length": "0",
        },
    )
    assert answer.status_code in (201, 409), answer.text
    protocol = "DefaultEndpointsProtocol=http"
    return f"{protocol};AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};BlobEndpoint={endpoint};"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        assert process.poll() is None, "the emulator ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the emulator does not listen")
