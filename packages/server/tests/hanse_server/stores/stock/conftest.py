"""A stock algorithm store in an environment of its own, and what it needs: our server and a registry, on real ports."""

import asyncio
import contextlib
import datetime
import ipaddress
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hanse_server.settings import Settings
from hanse_server.settings.algorithm_stores import AlgorithmStores

DIGEST = "sha256:" + "cd" * 32
HERE = "127.0.0.1"
STORE = ("vantage6-algorithm-store==4.15.2", "vantage6-backend-common==4.15.2")


@contextlib.asynccontextmanager
async def listening(app: Any, taken: socket.socket, **options: Any) -> AsyncIterator[None]:
    """Serve an application on a port of this machine."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, **options))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve(sockets=[taken]))
    while not server.started and not serving.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)  # the library offers nothing to wait for
    yield
    server.should_exit = True
    with contextlib.suppress(asyncio.CancelledError):
        await serving


@pytest.fixture
def port() -> socket.socket:
    """The port on which the server will be."""
    return taken()


def taken() -> socket.socket:
    made = socket.socket()
    made.bind((HERE, 0))
    return made


@pytest.fixture
def outbound() -> None:
    """Stores are reached over the network."""
    return


@pytest.fixture
def settings(settings: Settings, port: socket.socket) -> Settings:
    stores = AlgorithmStores(allowed_hosts=(HERE,))
    url = f"http://{HERE}:{port.getsockname()[1]}"
    return settings.model_copy(update={"server_url": url, "algorithm_stores": stores})


@pytest.fixture
async def own_url(server: Any, settings: Settings, port: socket.socket) -> AsyncIterator[str]:
    """Where the server listens."""
    async with listening(server.app, port, lifespan="off"):
        assert settings.public_url is not None
        yield settings.public_url


def certificate(folder: Path) -> Path:
    """Make a certificate for this machine that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "registry")])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HERE))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=3))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "registry.pem"
    file.write_bytes(private + made.public_bytes(pem))
    return file


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
async def registry(pem: Path) -> AsyncIterator[str]:
    """An image registry that knows one image; gives its host and port."""

    async def manifest(request: Request) -> Response:
        is_known = request.path_params["name"] == "algo"
        return Response("{}", 200 if is_known else 404, headers={"Docker-Content-Digest": DIGEST})

    app = Starlette(routes=[Route("/v2/{name}/manifests/{tag}", manifest)])
    made = taken()
    async with listening(app, made, ssl_certfile=pem, ssl_keyfile=pem, ssl_version=ssl.PROTOCOL_TLS_SERVER):
        yield f"{HERE}:{made.getsockname()[1]}"


@pytest.fixture
async def stock_store(
    environment: Callable[..., Path], python310: str, tmp_path: Path, own_url: str, pem: Path
) -> AsyncIterator[str]:
    """A running stock store; gives the address of its API."""
    python = environment(*STORE, python=python310)
    config = {
        "description": "",
        "ip": HERE,
        "port": 1,
        "uri": f"sqlite:///{tmp_path}/store.sqlite",
        "api_path": "/api",
        "allow_drop_all": True,
        "policies": {"algorithm_view": "whitelisted", "allow_localhost": True},
        "dev": {"host_uri": HERE, "disable_review": True},
        "root_user": {"v6_server_uri": own_url, "username": "root", "email": "r@example.org", "organization_id": 1},
        "logging": {
            "level": "WARNING",
            "file": "store.log",
            "use_console": False,
            "backup_count": 1,
            "max_size": 1024,
            "format": "%(message)s",
            "datefmt": "%H:%M",
            "loggers": [],
        },
    }
    file = tmp_path / "store.yaml"
    file.write_text(yaml.safe_dump(config))
    variables = {**os.environ, "HOME": str(tmp_path), "REQUESTS_CA_BUNDLE": str(pem)}
    process = await asyncio.create_subprocess_exec(
        python, Path(__file__).parent / "serve.py", file, env=variables, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        while not (line := await process.stdout.readline()).startswith(b"port "):
            assert line, "the stock store did not start"
        yield f"http://{HERE}:{int(line.split()[1])}/api"
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
async def store_client(stock_store: str, own_url: str, server: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Root's client of the store itself, as the stock client makes it."""
    headers = {"Authorization": f"Bearer {server.token('user', 1)}", "Server-Url": own_url}
    async with httpx.AsyncClient(base_url=stock_store, headers=headers, timeout=30) as client:
        yield client
