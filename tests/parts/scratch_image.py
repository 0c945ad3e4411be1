"""The file system of a container image, made of what this machine has: a Python with its packages, and a shell.

Nothing is pulled from a registry. The tar is kept beside the environment that it was made of.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

PACKAGES = "opt/packages"
CHANGES = (
    "ENV PATH=/usr/local/bin:/bin",
    "ENV LD_LIBRARY_PATH=/usr/local/lib",
    f"ENV PYTHONPATH=/{PACKAGES}",
    "ENV PYTHONUNBUFFERED=1",
    "ENV HOME=/root",
)
"""What an image of such a file system declares."""

_LEFT_OUT = {"test", "tests", "idlelib", "tkinter", "ensurepip", "site-packages", "dist-packages"}
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_ASK = """
import json, os, sys, sysconfig
print(json.dumps({
    "version": "python%d.%d" % sys.version_info[:2], "stdlib": sysconfig.get_path("stdlib"),
    "program": os.path.realpath(sys.executable), "packages": sysconfig.get_path("purelib"),
}))
"""


def file_system(python: Path) -> Path:
    """Pack the Python of an environment, with the packages of that environment."""
    folder = python.parent.parent
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    tar = folder.with_name(f"{folder.name}-{recipe}.tar")
    if not tar.exists():
        part = tar.with_suffix(f".{os.getpid()}")  # another process may make the same
        with tarfile.open(part, "w") as archive:
            _pack(archive, json.loads(subprocess.check_output([python, "-c", _ASK], text=True)))
        part.rename(tar)
    return tar


def _pack(archive: tarfile.TarFile, about: dict[str, str]) -> None:
    program, stdlib, packages = (Path(about[name]) for name in ("program", "stdlib", "packages"))
    version = about["version"]

    def wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        within = entry.name.removeprefix(f"usr/local/lib/{version}/").split("/", 1)[0]
        left_out = within in _LEFT_OUT or within.startswith("config-") or "_tkinter" in entry.name
        entry.uid = entry.gid = 0
        return None if left_out and entry.name.startswith("usr/") else entry

    archive.add(program, f"usr/local/bin/{version}", filter=wanted)
    archive.add(stdlib, f"usr/local/lib/{version}", filter=wanted)
    archive.add(packages, PACKAGES, filter=wanted)
    shell = Path("/bin/sh").resolve()
    archive.add(shell, "bin/sh", filter=wanted)
    binaries = [program, shell, *(stdlib / "lib-dynload").glob("*.so"), *packages.rglob("*.so*")]
    for library in libraries(path for path in binaries if "_tkinter" not in path.name):
        if library.is_relative_to(packages):
            continue
        is_own = library.name.startswith("libpython")  # wherever it was: its place is beside the standard library
        name = f"usr/local/lib/{library.name}" if is_own else str(library).lstrip("/")
        archive.add(library.resolve(), name, filter=wanted)
    for name in ("python", "python3"):
        link = tarfile.TarInfo(f"usr/local/bin/{name}")
        link.type, link.linkname = tarfile.SYMTYPE, version
        archive.addfile(link)
    for name, text in _FILES.items():
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        archive.addfile(entry, BytesIO(text.encode()))
    for name, mode in {"tmp": 0o1777, "root": 0o700}.items():
        folder = tarfile.TarInfo(name)
        folder.type, folder.mode = tarfile.DIRTYPE, mode
        archive.addfile(folder)


def libraries(binaries: Iterable[Path]) -> set[Path]:
    """Give the shared libraries that programs and modules load, and those that the C library loads by itself."""
    listed = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    words = (word for line in listed.splitlines() if not line.endswith(":") for word in line.split())
    found = {Path(word) for word in words if word.startswith("/")}
    (folder,) = {path.parent for path in found if path.name == "libc.so.6"}
    by_itself = (folder / name for name in ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"))
    return found | {path for path in by_itself if path.exists()}


if __name__ == "__main__":
    print(file_system(Path(sys.argv[1])))
