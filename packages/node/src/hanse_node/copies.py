"""Copies of databases that a run may change: they lie in its own folder and go with it."""

import os
import shutil
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from hanse_node.runtimes.base import StartFailed
from hanse_node.sources import Selection

FOLDER = "copies"
SPARE_BYTES = 1_000_000_000
"""What stays free on the disk: other runs have results and logs to write."""
OPEN_FOLDER, OPEN_FILE = 0o777, 0o666
"""Any user of a container may change a copy; the folder it lies in is entered by the node only."""


def with_copies(selected: Sequence[Selection], labels: Collection[str], folder: Path) -> list[Selection]:
    """Copy what of the selection is named, and give the selection with the copies. Raises `StartFailed`."""
    wanted = {one.label: Path(one.uri) for one in selected if one.is_path and one.label in labels}
    if not wanted:
        return list(selected)
    try:
        _require_room(sum(map(_size, wanted.values())), folder)
        (folder / FOLDER).mkdir()
        copied = {label: _copy(path, folder / FOLDER / f"{label}{path.suffix}") for label, path in wanted.items()}
    except (OSError, shutil.Error) as error:
        cause = getattr(error, "strerror", None) or "some of its files could not be read"
        raise StartFailed(f"the copy of a database that this image may change cannot be made: {cause}") from error
    return [replace(one, uri=str(copied[one.label]), writable=True) if one.label in copied else one for one in selected]


def _require_room(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free - needed < SPARE_BYTES:
        raise StartFailed(
            f"this station has no room for the copy of a database that this image may change ({needed / 1e9:.1f} GB; "
            f"{free / 1e9:.1f} GB are free, and {SPARE_BYTES / 1e9:.0f} GB must stay free)"
        )


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(os.lstat(Path(top, name)).st_size for top, _, names in os.walk(path) for name in names)


def _copy(source: Path, target: Path) -> Path:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, copy_function=shutil.copyfile)
    else:
        shutil.copyfile(source, target)
        target.chmod(OPEN_FILE)
    for top, folders, names in os.walk(target):
        os.chmod(top, OPEN_FOLDER)
        for path in (Path(top, name) for name in (*folders, *names)):
            if not path.is_symlink() and path.is_file():
                path.chmod(OPEN_FILE)
    return target
