"""Freeze a release: `make freeze RELEASE=0.3`."""

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from conftest import find_postgres, find_uv, npm_packages, postgres_server
from freezing.packing import PORT, pack
from freezing.provider import PACKAGE, provider
from freezing.story import Story
from hanse_server import migrations

ROOT = Path(__file__).parents[3]
RELEASES = Path(__file__).parents[1] / "releases"
DISTRIBUTIONS = ("core", "algorithm", "client", "node", "server", "sandbox")
DATABASES = ("sqlite", "postgres")
WHEEL_BYTES = 1 << 20
"""Wheels are kept as long as they are this small together; of larger ones only what they can be built from again."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make freeze RELEASE=NAME", description=__doc__)
    parser.add_argument("release", help="name of the release, such as 0.3")
    parser.add_argument("--again", action="store_true", help="replace what was frozen by this name")
    parser.add_argument("--to", type=Path, default=RELEASES, help="the folder of all releases (default: %(default)s)")
    parser.add_argument("--trial", action="store_true", help="of a state that is not committed")
    parser.add_argument("--only", nargs="+", choices=DATABASES, default=DATABASES, help="on these databases")
    arguments = parser.parse_args()
    target = arguments.to / arguments.release
    if target.exists() and not arguments.again:
        return _refuse(f"{target} exists; what users have does not change. --again if nobody has it yet")
    if not arguments.trial and _git("status", "--porcelain", "--untracked-files=no"):
        return _refuse("there are changes that are not committed; a release is a commit")
    with tempfile.TemporaryDirectory(prefix="h") as name:
        frozen = Path(name) / arguments.release
        freeze(arguments.release, frozen, arguments.only)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(frozen, target)
    print(f"{target} is frozen; add it to the commit of the release")
    return 0


def _refuse(reason: str) -> int:
    print(f"make freeze: {reason}", file=sys.stderr)
    return 1


def freeze(release: str, target: Path, databases: Sequence[str]) -> None:
    """Live through the story on all databases at once, and pack what is left of it."""
    with ExitStack() as stack:
        issuer = stack.enter_context(provider(*npm_packages(PACKAGE)))
        cluster = stack.enter_context(postgres_server())
        with psycopg.connect(f"{cluster}postgres", autocommit=True) as maintenance:
            maintenance.execute("CREATE DATABASE frozen")
            newest = maintenance.info.server_version // 10000
        folders = {kind: stack.enter_context(_folder()) for kind in databases}
        uris = {"sqlite": f"sqlite:///{folders['sqlite']}/server.sqlite", "postgres": f"{cluster}frozen"}
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(lambda kind: _one(folders[kind], uris[kind], issuer, target / kind), folders))
    manifest = {
        "release": release,
        "commit": _git("rev-parse", "HEAD"),
        "python": platform.python_version(),
        "postgres": newest,
        "migrations": {file.name: _digest(file) for file in sorted(migrations.VERSIONS.glob("[0-9]*.py"))},
        "wheels": _wheels(target),
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _one(folder: Path, uri: str, issuer: str, target: Path) -> None:
    story = Story(folder, uri, issuer)
    story.live()
    places = {"@DATABASE@": uri, "@FOLDER@": str(folder), "@SERVER@": story.server.url, "@ISSUER@": issuer}
    pack(folder, uri, find_postgres(), target, {**places, "@PYTHON@": sys.executable, PORT: str(story.server.port)})
    (target / "facts.json").write_text(json.dumps(story.facts, indent=1) + "\n")


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder whose sockets have addresses short enough."""
    with tempfile.TemporaryDirectory(prefix="h") as name:
        yield Path(name)


def _wheels(target: Path) -> dict[str, str]:
    """Build the wheels, and note what they need in which versions."""
    uv = find_uv()
    assert uv is not None
    folder = target / "wheels"
    for name in DISTRIBUTIONS:
        build: list[Any] = [uv, "build", "--quiet", "--wheel", "--no-create-gitignore", "--out-dir", folder]
        subprocess.run([*build, ROOT / "packages" / name], check=True, timeout=120)
    built = sorted(folder.glob("*.whl"))
    lock: list[Any] = [uv, "export", "--quiet", "--frozen", "--no-default-groups", "--no-emit-workspace", "--no-hashes"]
    lock += ["--no-header", "--no-annotate", "--output-file", target / "requirements.txt"]
    subprocess.run(lock, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=120)
    noted = {wheel.name: _digest(wheel) for wheel in built}
    if sum(wheel.stat().st_size for wheel in built) > WHEEL_BYTES:
        shutil.rmtree(folder)
    return noted


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
