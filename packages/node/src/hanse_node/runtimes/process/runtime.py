"""Run each algorithm as a child process, supervised apart from the node, in a sandbox where there is bubblewrap."""

import asyncio
import marshal
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from hanse_core.protocol import encode_variable
from hanse_node import run_context
from hanse_node.contract import View, environment, isolated_view, open_view
from hanse_node.runtimes.base import Door, Exit, RunSpec, StartFailed
from hanse_node.runtimes.process.bubblewrap import Bubblewrap, enter_arguments, hosts_text, place, prepare_etc
from hanse_node.runtimes.process.endings import Endings, reap
from hanse_node.runtimes.process.images import INSIDE, Images, Installation, ProcessImage
from hanse_node.runtimes.process.inside import forwarder, shim
from hanse_node.runtimes.process.references import Reference

START_SECONDS = shim.START_SECONDS + 10
STOP_SECONDS = 10


class ProcessRuntime:
    """One supervised child process per run; state that no run can reach lies in a folder of the node's."""

    name = "process"
    links = None

    def __init__(self, images: Mapping[str, ProcessImage], state: Path, sandbox: Bubblewrap | None) -> None:
        self._images = Images(images)
        self._runs = state.absolute() / "runs"
        self._etc = state.absolute() / "etc"
        self._sandbox = sandbox
        self._endings = Endings()
        self._runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        prepare_etc(self._etc)

    async def prepare(self) -> None:
        """The sandbox was tried when it was looked for."""

    async def resolve(self, image: str) -> str:
        return await self._images.digest(image)

    async def fetch(self, image: str, digest: str) -> None:
        """What is installed is here; nothing is ever fetched."""

    async def start(self, spec: RunSpec) -> str:
        installation = await self._images.installation(spec.image)
        if await self.resolve(spec.image) != spec.digest:
            raise StartFailed(f"the package of the image {spec.image!r} has changed since the run was allowed")
        _check_paths(spec)
        spec = replace(spec, doors=place(spec.doors) if self._sandbox else _unneeded(spec.doors))
        state = await self._new_state(spec)
        try:
            pid = self._launch(spec, installation, state)
        except BaseException:
            shutil.rmtree(state)
            raise
        return await self._confirm(state, *pid)

    def holds(self, spec: RunSpec) -> str:
        return "a process in bubblewrap" if self._sandbox else "a process without isolation"

    async def wait(self, reference: str) -> Exit:
        run = Reference.parse(reference)
        await self._endings.wait(run)
        ended = run.exit()
        if ended.reason == "lost":
            run.end_leftovers()
        return ended

    async def logs(self, reference: str, offset: int = 0) -> bytes:
        return Reference.parse(reference).log(offset)

    async def stop(self, reference: str) -> None:
        run = Reference.parse(reference)
        run.ask_to_end()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._endings.wait(run)
        except TimeoutError:
            run.kill()
            await self._endings.wait(run)
            run.end_leftovers()

    async def remove(self, reference: str) -> None:
        await self.stop(reference)
        shutil.rmtree(Reference.parse(reference).state, ignore_errors=True)

    async def adopt(self) -> Mapping[int, str]:
        found: dict[int, str] = {}
        for state in self._runs.iterdir():
            reference = Reference.of_state(state)
            if reference is None:
                shutil.rmtree(state, ignore_errors=True)
            else:
                found[int(state.name)] = str(reference)
        return found

    async def networks(self) -> Sequence[str]:
        return ()

    async def close(self) -> None:
        self._endings.close()

    async def _new_state(self, spec: RunSpec) -> Path:
        """Make the state folder of a run; what an ended run of the same number left is dropped."""
        state = self._runs / str(spec.run_id)
        former = Reference.of_state(state)
        if former is not None and (descriptor := former.open()) is not None:
            os.close(descriptor)
            raise StartFailed(f"run {spec.run_id} is already running")
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(mode=0o700)
        os.mkfifo(state / "control", 0o600)
        return state

    def _launch(self, spec: RunSpec, installation: Installation, state: Path) -> tuple[int, int]:
        """Start the supervisor of a run; give its pid and the descriptor on which it reports."""
        if self._sandbox:
            view = isolated_view(spec)
            run_context.write(spec, view)
            plan = _plan(spec, self._images.get(spec.image), installation, view)
            (state / "hosts").write_text(hosts_text(spec.doors))
            plan["command"] = self._sandbox.command(
                spec, self._images.get(spec.image), installation, self._etc, state / "hosts"
            )
            return _spawn(state, plan, None)
        with closing(forwarder.listen(0)) as listener:
            view = open_view(spec, port=listener.getsockname()[1])
            run_context.write(spec, view)
            (state / "marker").write_text(f"OUTPUT_FILE={encode_variable(view.folder + '/output')}")
            plan = _plan(spec, self._images.get(spec.image), installation, view)
            return _spawn(state, plan, listener.fileno())

    async def _confirm(self, state: Path, pid: int, report: int) -> str:
        """Wait until the algorithm has been started; else leave nothing behind."""
        try:
            async with asyncio.timeout(START_SECONDS):
                told = await _read_report(report)
            reference = Reference.of_state(state)
            if told == "started" and reference is not None:
                self._endings.watch(reference)
                return str(reference)
            raise StartFailed(told.removeprefix("failed ") or _trouble(state))
        except BaseException:
            await self._abandon(state, pid)
            raise

    async def _abandon(self, state: Path, pid: int) -> None:
        reference = Reference.of_state(state)
        if reference is not None:
            await asyncio.shield(self.stop(str(reference)))
        reap(pid)
        shutil.rmtree(state, ignore_errors=True)


def _check_paths(spec: RunSpec) -> None:
    """Name what is missing before anything is started."""
    for mount in spec.mounts:
        if mount.is_path and not Path(mount.uri).exists():
            raise StartFailed(f"the file of the database {mount.label!r} is not there: {mount.uri}")
    for folder in (spec.folder, spec.temporary, spec.proxy_socket.parent):
        if not folder.is_dir():
            raise StartFailed(f"the folder {folder} is not there")


def _unneeded(doors: Sequence[Door]) -> tuple[Door, ...]:
    """Leave out doors to databases, which a run without a sandbox reaches as this machine does; refuse others."""
    if any(door.label is None for door in doors):
        raise StartFailed("the policy gives this run a way out, which takes the docker runtime, or bubblewrap")
    return ()


def _plan(spec: RunSpec, image: ProcessImage, installation: Installation, view: View) -> dict[str, Any]:
    limits = spec.limits
    return {
        "command": image.arguments(),
        "environment": {**_image_environment(image, installation, view), **environment(spec, view)},
        "open": view.folder == str(spec.folder),
        "folder": view.folder,
        "socket": str(spec.proxy_socket),
        "output": str(spec.folder / "output"),
        "seconds": limits.seconds,
        "processes": limits.processes,
        "log_bytes": limits.log_bytes,
        "output_bytes": limits.output_bytes,
        # The kernel counts processes per user, so without a sandbox only the supervisor can limit them.
        "limits": [-1 if limits.memory_bytes is None else limits.memory_bytes, -1, limits.output_bytes],
    }


def _image_environment(image: ProcessImage, installation: Installation, view: View) -> dict[str, str]:
    """Give what an image would define, in plain text: each value has a character that Base32 has not."""
    home = "/tmp" if view.temporary == "/mnt/tmp" else view.temporary  # noqa: S108
    return {
        "PKG_NAME": image.package,
        "PATH": f"{installation.prefixes[0]}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _spawn(state: Path, plan: Mapping[str, Any], listener: int | None) -> tuple[int, int]:
    """Start the supervisor with its plan and nothing of the node's but the descriptors it needs."""
    (state / "plan").touch(mode=0o600)
    (state / "plan").write_bytes(marshal.dumps(dict(plan)))
    report, report_end = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    trouble = os.open(state / "trouble", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    wanted = {0: null, 1: trouble, 2: trouble, shim.REPORT: report_end}
    if listener is not None:
        wanted[shim.LISTENER] = listener
    command = enter_arguments(sys.executable, str(INSIDE.parent), "shim", str(state))
    try:
        pid = os.posix_spawn(sys.executable, command, {"LANG": "C.UTF-8"}, file_actions=_moves(wanted))
    except OSError as error:
        os.close(report)
        raise StartFailed(f"the supervising process cannot be started: {error}") from error
    finally:
        for descriptor in {null, trouble, report_end}:
            os.close(descriptor)
    return pid, report


def _moves(wanted: Mapping[int, int]) -> list[tuple[int, int, int] | tuple[int, int]]:
    """Give the steps that put descriptors (values) where a new process wants them (keys), by numbers out of reach."""
    away = 1 + max((*wanted, *wanted.values()))
    return [
        *((os.POSIX_SPAWN_DUP2, source, away + target) for target, source in wanted.items()),
        *((os.POSIX_SPAWN_DUP2, away + target, target) for target in wanted),
        *((os.POSIX_SPAWN_CLOSE, away + target) for target in wanted),
    ]


async def _read_report(descriptor: int) -> str:
    """Read until the supervisor closes its end."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    with os.fdopen(descriptor, "rb", 0) as pipe:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            return (await reader.read()).decode(errors="replace")
        finally:
            transport.close()


def _trouble(state: Path) -> str:
    lines = (state / "trouble").read_text(errors="replace").strip().splitlines()
    return f"the supervising process ended at once: {lines[-1] if lines else 'no message'}"
