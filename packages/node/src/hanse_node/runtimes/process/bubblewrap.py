"""The sandbox around one run: what it sees of this machine, and nothing else."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import structlog

from hanse_node.contract import CONTAINER_PORT, database_inside, run_folder_inside
from hanse_node.runtimes.base import Door, RunSpec, StartFailed
from hanse_node.runtimes.process.images import INSIDE, Installation, ProcessImage
from hanse_node.runtimes.process.inside import shim

PROXY = "/run/hanse/proxy"
CODE = "/run/hanse/code"
NOBODY = "65534"
PROBE_SECONDS = 20
LOWEST_PORT = 1024
"""Nobody inside may listen below."""
NAMESPACES = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
)
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
ETC = {
    "passwd": "nobody:x:65534:65534:nobody:/tmp:/usr/sbin/nologin\n",
    "group": "nogroup:x:65534:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
log = structlog.get_logger()


def enter_arguments(python: str, code: str, module: str, *arguments: str) -> list[str]:
    """Give the command line that runs one of the programs of `inside`, as fast as Python starts."""
    text = f"import sys; sys.path.append({code!r}); from inside import {module}; {module}.main()"
    return [python, "-I", "-S", "-c", text, *arguments]


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """A bubblewrap that works on this machine, with the options that every run gets."""

    program: str
    options: tuple[str, ...]

    @classmethod
    def find(cls) -> "Bubblewrap | None":
        """Look for bubblewrap and really run it once; where it does not work, say so and give None."""
        program = shutil.which("bwrap")
        reason = "bwrap is not installed"
        for options in ((*NAMESPACES, "--disable-userns"), NAMESPACES) if program else ():
            found = cls(str(program), options)
            reason = found.trouble()
            if not reason:
                return found
        log.warning("no bubblewrap: algorithms run without isolation; for demos and authors only", reason=reason)
        return None

    def trouble(self) -> str:
        """Give why this bubblewrap cannot isolate; empty when it can."""
        command = [self.program, *self.options, *_hardening(), *_system(), "--", "/usr/bin/env"]
        try:
            tried = subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return "" if tried.returncode == 0 else tried.stderr.decode(errors="replace").strip() or "bwrap failed"

    def command(
        self, spec: RunSpec, image: ProcessImage, installation: Installation, etc: Path, hosts: Path
    ) -> list[str]:
        """Give the whole command line of a run, whose doors have ports: sandbox, forwarders, algorithm."""
        limits = spec.limits
        doors = {CONTAINER_PORT: spec.proxy_socket, **{door.port: door.path for door in spec.doors}}
        ceilings = (
            limits.memory_bytes,
            # The sandbox's init and the forwarders count too.
            None if limits.processes is None else limits.processes + 1 + len(doors),
            limits.output_bytes,
        )
        entry = enter_arguments(
            image.python, CODE, "enter", ",".join(f"{port}={PROXY}/{path.name}" for port, path in doors.items()),
            str(shim.READY), run_folder_inside(spec.run_id),
            *(str(-1 if ceiling is None else ceiling) for ceiling in ceilings),
        )  # fmt: skip
        known = ("--ro-bind", str(hosts), "/etc/hosts")
        binds = [*_etc(etc), *known, *_python(spec, etc, image, installation), *_own(spec)]
        return [self.program, *self.options, *_hardening(), *_system(), *binds, "--", *entry, *image.arguments()]


def place(doors: Sequence[Door]) -> tuple[Door, ...]:
    """Give each door a port on the run's own loopback: the one it wants, if it must. Raises `StartFailed`."""
    taken, placed = {CONTAINER_PORT}, []
    for door in sorted(doors, key=lambda door: door.label is not None or door.port is None):
        port = door.port or 0
        if port < LOWEST_PORT or port in taken:
            if door.label is None and door.port is not None:
                raise StartFailed(
                    f"a run in a sandbox cannot reach {door.host} at port {port}; choose another above 1023"
                )
            port = next(port for port in count(CONTAINER_PORT) if port not in taken)
        taken.add(port)
        placed.append(replace(door, port=port))
    return tuple(placed)


def hosts_text(doors: Sequence[Door]) -> str:
    """Give the names that a run knows: all are its own loopback, where the forwarders are."""
    return f"127.0.0.1 {' '.join(dict.fromkeys(['localhost', *(door.host for door in doors)]))}\n"


def prepare_etc(folder: Path) -> None:
    """Write the few files of /etc that programs expect; they name nobody of this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in ETC.items():
        (folder / name).write_text(text)


def _hardening() -> tuple[str, ...]:
    identity = ("--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL", "--hostname", "run")
    return ("--die-with-parent", "--new-session", *identity, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")  # noqa: S108


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in SYSTEM:
        if os.path.islink(name):
            yield from ("--symlink", os.readlink(name), name)
        elif os.path.isdir(name):
            yield from ("--ro-bind", name, name)
    for name in SYSTEM_FILES:
        yield from ("--ro-bind-try", name, name)


def _etc(folder: Path) -> Iterator[str]:
    for name in ETC:
        yield from ("--ro-bind", str(folder / name), f"/etc/{name}")


def _python(spec: RunSpec, etc: Path, image: ProcessImage, installation: Installation) -> Iterator[str]:
    """Show the image's Python and every folder it imports from (packages installed for editing lie outside of it)."""
    wanted = [*installation.prefixes, *_homes(Path(image.python)), *installation.path]
    for path in _outermost(wanted):
        for own in (spec.folder, spec.temporary, etc):
            if own.is_relative_to(path):
                raise StartFailed(
                    f"the image's Python imports from {path}, which holds the runs of this node; move one"
                )
        yield from ("--ro-bind", str(path), str(path))


def _homes(python: Path) -> Iterator[Path]:
    """Give the folders of the executable and of every link on the way to it."""
    while python.is_symlink():
        yield python.parent.parent
        python = python.parent / python.readlink()
    yield python.parent.parent


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Leave out what lies in another path of the list or under /usr, which every run sees."""
    seen = [Path("/usr")]
    for path in sorted(set(map(_normal, paths)), key=lambda path: len(path.parts)):
        if path.exists() and not any(path.is_relative_to(other) for other in seen):
            seen.append(path)
    return seen[1:]


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))


def _own(spec: RunSpec) -> Iterator[str]:
    """Show the run its own folder, its job's temporary folder, both writable, its databases and its proxy."""
    folder = run_folder_inside(spec.run_id)
    yield from ("--bind", str(spec.folder), folder, "--bind", str(spec.temporary), "/mnt/tmp")
    for mount in {mount.label: mount for mount in spec.mounts if mount.is_path}.values():
        yield from ("--bind" if mount.writable else "--ro-bind", mount.uri, database_inside(mount))
    yield from ("--ro-bind", str(spec.proxy_socket.parent), PROXY, "--ro-bind", str(INSIDE), f"{CODE}/inside")
