"""Which image name stands for which installed package, and the digest over the package's bytes."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from hanse_node.runtimes.base import ImageMissing
from hanse_node.runtimes.process import inside

DEFAULT_COMMAND = ("python", "-m", "hanse_algorithm")
PROBE_SECONDS = 60
INSIDE = Path(inside.__file__).parent

PROBE = """
import compileall, importlib.util, json, os, platform, sys
sys.path = [entry for entry in sys.path if entry]
def places(name):
    spec = importlib.util.find_spec(name)
    if spec is None:
        return []
    return [str(place) for place in spec.submodule_search_locations or [spec.origin]]
ours, package, *more = sys.argv[1:]
found = places(package)
for place in [ours, *(place for name in (package, *more) for place in places(name.partition(".")[0]))]:
    (compileall.compile_dir if os.path.isdir(place) else compileall.compile_file)(place, quiet=2)
print(json.dumps({"version": platform.python_version(), "prefixes": [sys.prefix, sys.base_prefix],
                  "path": sys.path, "package": found}))
"""
"""Asked of an image's own Python, which runs nothing of the package; compiling it here saves time in every run."""


@dataclass(frozen=True, slots=True)
class ProcessImage:
    """How to run an image: a package, the Python that has it installed, and the command (`python` means that one)."""

    package: str
    python: str = sys.executable
    command: Sequence[str] = DEFAULT_COMMAND

    def arguments(self) -> list[str]:
        """Give the command as it is executed."""
        first, *rest = self.command
        return [self.python if first == "python" else first, *rest]


@dataclass(frozen=True, slots=True)
class Installation:
    """What the image's Python told about itself and the package."""

    version: str
    prefixes: tuple[Path, ...]
    path: tuple[Path, ...]
    """Folders from which it imports, prefixes or not."""
    package: tuple[Path, ...]
    """Where the package lies: one folder, one file, or several folders of a namespace."""


@dataclass(slots=True)
class _Known:
    installation: Installation
    fingerprint: object
    digest: str


@dataclass(slots=True)
class Images:
    """The configured images, each with its digest for as long as its files do not change."""

    configured: Mapping[str, ProcessImage]
    _known: dict[str, _Known] = field(default_factory=dict)

    def get(self, name: str) -> ProcessImage:
        """Give the configuration of an image. Raises `ImageMissing` with the remedy."""
        image = self.configured.get(name)
        if image is None:
            raise ImageMissing(
                f"the image {name!r} is not among the `images` of this node's configuration; add it there"
            )
        return image

    async def installation(self, name: str) -> Installation:
        """Give what is known of the image's Python; `digest` must have been asked before."""
        await self.digest(name)
        return self._known[name].installation

    async def digest(self, name: str) -> str:
        """Give `sha256:…` over the package's files, the command and the Python version."""
        image = self.get(name)
        known = self._known.get(name)
        if known is None or known.fingerprint != _fingerprint(image, known.installation):
            installation = await _probe(name, image)
            fingerprint = _fingerprint(image, installation)
            known = self._known[name] = _Known(installation, fingerprint, _digest(image, installation))
        return known.digest


async def _probe(name: str, image: ProcessImage) -> Installation:
    packages = [image.package, *(image.command[2:3] if image.command[1:2] == ["-m"] else ())]
    try:
        process = await asyncio.create_subprocess_exec(
            image.python, "-I", "-c", PROBE, str(INSIDE), *packages, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise ImageMissing(f"the Python of the image {name!r} cannot be started: {error}") from error
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            output, trouble = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise ImageMissing(f"the Python of the image {name!r} did not answer within {PROBE_SECONDS} s") from None
    if process.returncode != 0:
        last = (trouble.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise ImageMissing(f"the Python of the image {name!r} ({image.python}) cannot look for its package: {last}")
    return _read(name, image, json.loads(output))


def _read(name: str, image: ProcessImage, found: Mapping[str, object]) -> Installation:
    def paths(key: str) -> tuple[Path, ...]:
        entries = found[key]
        return tuple(Path(str(entry)) for entry in entries) if isinstance(entries, list) else ()

    if not paths("package"):
        raise ImageMissing(
            f"the package {image.package!r} of the image {name!r} is not installed for {image.python}; "
            "install it there, or name another `python` for this image"
        )
    return Installation(str(found["version"]), paths("prefixes"), paths("path"), paths("package"))


def _files(installation: Installation) -> Iterator[tuple[str, Path]]:
    """Give every file of the package with its name inside it, in a fixed order; compiled files are not part of it."""
    for place in installation.package:
        if place.is_file():
            yield place.name, place
            continue
        for folder, folders, files in os.walk(place):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for file in sorted(files):
                path = Path(folder, file)
                yield str(path.relative_to(place)), path


def _fingerprint(image: ProcessImage, installation: Installation) -> object:
    """Give what changes with the files without reading them; a new package changes a folder of the import path."""
    watched = [path for _, path in _files(installation)]
    watched += [Path(image.python), *installation.path]
    return tuple((str(path), found.st_mtime_ns, found.st_size) for path in watched if (found := _stat(path)))


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _digest(image: ProcessImage, installation: Installation) -> str:
    parts = [(name, sha256(path.read_bytes()).hexdigest()) for name, path in _files(installation)]
    text = json.dumps([parts, image.package, list(image.command), installation.version])
    return f"sha256:{sha256(text.encode()).hexdigest()}"
