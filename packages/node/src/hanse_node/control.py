"""The door for whoever runs this node on this machine: a Unix socket that only the node's own user can open.

One request and one answer, each a line of JSON: `{"do": "status"}`, `{"do": "kill", "run": 7}`,
`{"do": "log", "run": 7}` or `{"do": "stop"}`. An answer is `{"ok": …}` or `{"error": "…"}`.
"""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import structlog

from hanse_core import __version__
from hanse_core.errors import HanseError, Invalid, NotFound, Unavailable

LONGEST = 65536
SECONDS = 10.0
log = structlog.get_logger()


class Attendant(Protocol):
    """What can be asked of a node at work."""

    def overview(self) -> dict[str, Any]: ...
    def end(self, run_id: int) -> bool: ...
    async def printed(self, run_id: int) -> bytes | None: ...


class Control:
    """Listens on the socket, from before the server is reached until the node ends."""

    def __init__(self, path: Path, about: Mapping[str, Any], stop: Callable[[], None]) -> None:
        self._path = path
        self._about = {**about, "process": os.getpid(), "version": __version__}
        self._stop = stop
        self._attendant: Attendant | None = None
        self._server: asyncio.Server | None = None

    def attach(self, attendant: Attendant) -> None:
        """Answer from now on what needs a node at work."""
        self._attendant = attendant

    async def __aenter__(self) -> "Control":
        self._server = await asyncio.start_unix_server(self._serve, sock=_bound(self._path), limit=LONGEST)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(SECONDS):
                if _is_our_user(writer):
                    answer = await self._answered(reader)
                    writer.write(json.dumps(answer).encode() + b"\n")
                    await writer.drain()
        writer.close()

    async def _answered(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        try:
            return {"ok": await self._do(json.loads(await reader.readline()))}
        except HanseError as error:
            return {"error": error.message}
        except (ValueError, TypeError, KeyError, AttributeError):
            return {"error": "the request cannot be read"}

    async def _do(self, request: dict[str, Any]) -> Any:
        deeds: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "status": self._status, "stop": self._end_node, "kill": self._kill, "log": self._log,
        }  # fmt: skip
        if request["do"] not in deeds:
            raise Invalid(f"this node cannot {request['do']}")
        return await deeds[request["do"]](request)

    async def _status(self, _: dict[str, Any]) -> dict[str, Any]:
        if self._attendant is None:
            return {**self._about, "state": "waiting for the server"}
        return {**self._about, "state": "at work", **self._attendant.overview()}

    async def _end_node(self, _: dict[str, Any]) -> str:
        log.info("stop_asked", by="hanse node stop")
        self._stop()
        return "stopping"

    async def _kill(self, request: dict[str, Any]) -> str:
        if not self._working().end(int(request["run"])):
            raise NotFound(f"run {request['run']} does not run here now")
        return "ending"

    async def _log(self, request: dict[str, Any]) -> str:
        printed = await self._working().printed(int(request["run"]))
        if printed is None:
            raise NotFound(f"run {request['run']} does not run here now")
        return printed.decode("utf-8", "replace")

    def _working(self) -> Attendant:
        if self._attendant is None:
            raise Unavailable("this node has not reached its server yet")
        return self._attendant


def ask(path: Path, request: Mapping[str, Any], seconds: float = SECONDS + 5) -> Any:
    """Ask the node that works in this folder. Raises `Unavailable` when there is none."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(seconds)
        try:
            line.connect(str(path))
            line.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(line.makefile("rb").readline() or b"{}")
        except (FileNotFoundError, ConnectionRefusedError):
            raise Unavailable("this node does not run (start it with  hanse node start)") from None
        except (OSError, ValueError) as error:
            raise Unavailable(f"this node does not answer at {path}: {error}") from error
    if "error" in answer:
        raise Invalid(str(answer["error"]))
    if "ok" not in answer:
        raise Unavailable(f"this node gave no answer at {path}")
    return answer["ok"]


def _bound(path: Path) -> socket.socket:
    """Bind with rights for the owner only, also for the moment in which it comes into being."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    return listening


def _is_our_user(writer: asyncio.StreamWriter) -> bool:
    """Tell whether the other side is the node's own user or root, as the kernel says."""
    line = writer.get_extra_info("socket")
    _, user, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return user in (0, os.geteuid())
