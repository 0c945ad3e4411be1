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
LOG_SECONDS = 30.0
"""How long the rest of the log is awaited after the end of the container."""
RETRY_SECONDS = 1.0
MOST_RETRY_SECONDS = 15.0
log = structlog.get_logger()


class Following:
    """Follows one container; made anew after a restart of the node, and told again how it ended."""

    def __init__(self, engine: Engine, container: str, folder: Path) -> None:
        self._engine = engine
        self._container = container
        self._folder = folder
        self._task = asyncio.create_task(self._follow(), name=f"follow-{container[:12]}")

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
        collecting = asyncio.create_task(self._collect(log_bytes))
        limiting = asyncio.create_task(self._limit(found, seconds))
        try:
            await self._engine.ask("POST", f"containers/{self._container}/wait", seconds=None)
            await asyncio.wait({collecting}, timeout=LOG_SECONDS)
            return self._exit(await self._engine.ask("GET", f"containers/{self._container}/json"))
        finally:
            for companion in (collecting, limiting):
                companion.cancel()
            await asyncio.wait({collecting, limiting})

    async def _collect(self, limit: int) -> None:
        """Copy the log to a file of the node's, beginning and end if it is long."""
        path = self._folder / "log"
        path.unlink(missing_ok=True)
        kept = Log(str(path), limit)
        try:
            async for piece in self._engine.log(self._container):
                kept.add(piece)
        except (EngineRefused, EngineDown) as error:
            log.warning("log_incomplete", container=self._container[:12], cause=error.message)
        finally:
            kept.finish()

    async def _limit(self, found: Json, seconds: float | None) -> None:
        if seconds is None or not found["State"]["Running"]:
            return
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
