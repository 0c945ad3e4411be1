"""Staying with one container until its end: its log goes to a file here, its time is limited, its end is noticed."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import structlog

from hanse_node.runtimes.base import Exit
from hanse_node.runtimes.docker import labels
from hanse_node.runtimes.docker.containers import limits_of
from hanse_node.runtimes.docker.engine import Engine, EngineDown, EngineRefused, Json
from hanse_node.runtimes.docker.hints import explain
from hanse_node.runtimes.process.inside.log import Log

KILLED = 137
LOST = Exit(-1, "lost")
LOG_SECONDS = 5.0
"""How long the rest of the log is awaited after the end of the container, before it is read anew."""
RETRY_SECONDS = 1.0
MOST_RETRY_SECONDS = 15.0
log = structlog.get_logger()


class Following:
    """Follows one container; made anew after a restart of the node, and told again how it ended."""

    def __init__(self, engine: Engine, container: str, folder: Path, *, fresh: bool = False) -> None:
        self._engine = engine
        self._container = container
        self._folder = folder
        self._fresh = fresh
        """Made before the container is started, so that nothing it prints is missed."""
        self._listening = asyncio.Event()
        self._started = asyncio.Event()
        if not fresh:
            self._started.set()
        self._task = asyncio.create_task(self._follow(), name=f"follow-{container[:12]}")

    async def listening(self) -> None:
        """Return once all that the container prints will be heard: now it may be started."""
        await self._listening.wait()

    def started(self) -> None:
        """Be told that the container has been started."""
        self._started.set()

    async def ended(self) -> Exit:
        """Give how it ended; whoever stops waiting does not stop the following."""
        return await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Let go; the container goes on."""
        self._task.cancel()
        await asyncio.wait({self._task})

    def printed(self, offset: int) -> bytes:
        try:
            with (self._folder / "log").open("rb") as file:
                file.seek(offset)
                return file.read()
        except OSError:
            return b""

    async def kill(self, reason: str) -> None:
        """End the container, and note why; no error when it has ended already."""
        with contextlib.suppress(OSError):
            (self._folder / "reason").write_text(reason)
        try:
            await self._engine.ask("POST", f"containers/{self._container}/kill")
        except EngineRefused as error:
            if error.answer not in (404, 409):
                raise

    async def _follow(self) -> Exit:
        pause = RETRY_SECONDS
        while True:
            try:
                return await self._to_the_end()
            except EngineRefused as error:
                if error.answer == 404:
                    return LOST
                log.error("engine_refused", container=self._container[:12], cause=error.message)
            except EngineDown as error:
                log.warning("engine_away", container=self._container[:12], cause=error.message)
            await asyncio.sleep(pause)
            pause = min(pause * 2, MOST_RETRY_SECONDS)

    async def _to_the_end(self) -> Exit:
        found = await self._engine.ask("GET", f"containers/{self._container}/json")
        seconds, log_bytes = limits_of(found["Config"]["Labels"])
        companions = [asyncio.create_task(self._collect(log_bytes, runs=found["State"]["Status"] != "exited"))]
        try:
            await self._started.wait()
            companions.append(asyncio.create_task(self._limit(seconds)))
            await self._engine.ask("POST", f"containers/{self._container}/wait", seconds=None)
            await self._complete(companions[0], log_bytes)
            return self._exit(await self._engine.ask("GET", f"containers/{self._container}/json"))
        finally:
            self._listening.set()
            for companion in companions:
                companion.cancel()
            await asyncio.wait(companions)

    async def _complete(self, collecting: asyncio.Task[None], limit: int) -> None:
        """Wait for the rest of the log; engines may leave whoever attached at the very end without an answer."""
        _, pending = await asyncio.wait({collecting}, timeout=LOG_SECONDS)
        if pending:
            collecting.cancel()
            await asyncio.wait({collecting})
            await self._collect(limit, runs=False)

    async def _collect(self, limit: int, *, runs: bool) -> None:
        """Copy what is printed to a file of the node's: beginning and end, if it is long."""
        path = self._folder / "log"
        path.unlink(missing_ok=True)
        kept = Log(str(path), limit)
        fresh, self._fresh = self._fresh, False
        listening = self._engine.attached(self._container, from_beginning=not fresh)
        try:
            async with listening if runs else self._engine.log(self._container) as pieces:
                self._listening.set()
                async for piece in pieces:
                    kept.add(piece)
        except (EngineRefused, EngineDown) as error:
            log.warning("log_incomplete", container=self._container[:12], cause=error.message)
        finally:
            self._listening.set()
            kept.finish()

    async def _limit(self, seconds: float | None) -> None:
        if seconds is None:
            return
        found = await self._engine.ask("GET", f"containers/{self._container}/json")
        used = (datetime.now(UTC) - _time(found["State"]["StartedAt"])).total_seconds()
        await asyncio.sleep(max(0.0, seconds - used))
        while True:
            try:
                await self.kill("time")
                return
            except (EngineRefused, EngineDown) as error:
                log.warning("run_not_ended_in_time", container=self._container[:12], cause=error.message)
                await asyncio.sleep(RETRY_SECONDS)

    def _exit(self, found: Json) -> Exit:
        state = found["State"]
        code = int(state["ExitCode"])
        if code == 0:
            return Exit(0)
        if state.get("OOMKilled"):
            return Exit(code, "memory")
        if code == KILLED:
            return Exit(code, self._reason() or "killed")
        return Exit(code, note=explain(self.printed(0), found["Config"]["Labels"].get(labels.PROFILE, "")))

    def _reason(self) -> str:
        try:
            return (self._folder / "reason").read_text()
        except OSError:
            return ""


def _time(text: str) -> datetime:
    """Read the engine's time, which has nine digits after the second."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00")


def read_state(path: Path) -> Json:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
