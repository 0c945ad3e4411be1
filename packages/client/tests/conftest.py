"""Both clients over one server in memory; a test that takes `client` runs in both modes."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest

from hanse import AsyncClient, Client


def _neighbour(name: str) -> Any:
    """Load a module that lies beside the tests (they are no package)."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


v4 = _neighbour("v4")


@pytest.fixture
def server() -> Any:
    return v4.Server.with_three_stations()


class Both:
    """Calls a client the same way in both modes: what it gives is awaited if it must be."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return Both(getattr(self._target, name)) if name[0] != "_" else getattr(self._target, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _settled(self._target(*args, **kwargs))


async def _settled(value: Any) -> Any:
    if isinstance(value, Awaitable):
        return await value
    if hasattr(value, "__aiter__"):
        return [item async for item in value]
    return list(value) if inspect.isgenerator(value) else value


@pytest.fixture(params=["blocking", "awaiting"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(mode: str, server: Any) -> Any:
    """Give what makes a client of this mode for the server in memory."""

    def make(**options: Any) -> Client | AsyncClient:
        kind = Client if mode == "blocking" else AsyncClient
        settings: dict[str, Any] = {"retry_for": 2.0, "live": False, "transport": server.transport()}
        login = {} if "tokens" in options else {"username": "alice", "password": "Secret.1"}
        return kind(v4.ORIGIN, **{**login, **settings, **options})

    return make


@pytest.fixture
async def client(connect: Any) -> AsyncIterator[Both]:
    both = Both(connect())
    yield both
    await both.close()
