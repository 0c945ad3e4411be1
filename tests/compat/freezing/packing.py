"""From a running place to text that can be compared and kept, and back to a place that can run.

What is of the moment (folder, ports, addresses) is replaced by names such as @FOLDER@.
"""

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

Places = Mapping[str, str]
"""What stands for each name, such as `@FOLDER@`."""
PORT = "@PORT@"
NODE, CLIENT, VALUES, BLOBS = "alpha", "client", "values", "blobs"
NODE_LEFT_OUT = ("journal.sqlite*", "sockets", "runs", "jobs", "engine", "node.lock")


def pack(folder: Path, uri: str, programs: Path | None, target: Path, places: Places) -> None:
    """Pack everything of a place whose processes have ended."""
    target.mkdir(parents=True)
    # Only files that were written by hand are searched for a port: its digits may be in any token or hash.
    certain = {name: value for name, value in places.items() if name != PORT}
    dump = _sqlite_dump(folder / "server.sqlite") if uri.startswith("sqlite") else _postgres_dump(uri, programs)
    _write(target / "server.sql", dump, certain)
    _write(target / "server.yaml", (folder / "server.yaml").read_text(), places)
    shutil.copytree(folder / NODE, target / NODE, ignore=shutil.ignore_patterns(*NODE_LEFT_OUT))
    _write(target / NODE / "journal.sql", _sqlite_dump(folder / NODE / "journal.sqlite"), certain)
    _write(target / NODE / "node.yaml", (folder / NODE / "node.yaml").read_text(), places)
    profile = (folder / CLIENT / "hanse" / "default.json").read_text()
    _write(target / "profile.json", json.dumps(json.loads(profile), indent=1) + "\n", certain)
    for name in (VALUES, BLOBS):
        shutil.copytree(folder / name, target / name)
    for name in ("patients.csv", "key.pem"):
        shutil.copy(folder / name, target)


def unpack(source: Path, folder: Path, uri: str, places: Places) -> None:
    """Put a place back into an empty folder and an empty database."""
    dump = _read(source / "server.sql", places)
    if uri.startswith("sqlite"):
        _sqlite_load(folder / "server.sqlite", dump)
    else:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(dump)
    (folder / "server.yaml").write_text(_read(source / "server.yaml", places))
    shutil.copytree(source / NODE, folder / NODE)
    (folder / NODE / "node.yaml").write_text(_read(source / NODE / "node.yaml", places))
    _sqlite_load(folder / NODE / "journal.sqlite", _read(source / NODE / "journal.sql", places))
    (folder / NODE / "journal.sql").unlink()
    profile = folder / CLIENT / "hanse" / "default.json"
    profile.parent.mkdir(parents=True)
    profile.write_text(_read(source / "profile.json", places))
    profile.chmod(0o600)
    for name in (VALUES, BLOBS):
        shutil.copytree(source / name, folder / name)
    for name in ("patients.csv", "key.pem"):
        shutil.copy(source / name, folder)


def schema_of(uri: str, programs: Path | None) -> str:
    """Describe the tables of a database, to be compared with those of another one."""
    if not uri.startswith("sqlite"):
        return _postgres_dump(uri, programs, "--schema-only")
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
    connection.close()
    return "\n".join(f"{name}: {sql}" for name, sql in rows)


def _sqlite_dump(file: Path) -> str:
    connection = sqlite3.connect(file)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        # What makes the dump leaves this number out, by which a journal says how it is written.
        return "\n".join([*connection.iterdump(), f"PRAGMA user_version={version};\n"])
    finally:
        connection.close()


def _sqlite_load(file: Path, dump: str) -> None:
    connection = sqlite3.connect(file)
    try:
        connection.executescript(dump)
    finally:
        connection.close()
    file.chmod(0o600)


def _postgres_dump(uri: str, programs: Path | None, *options: str) -> str:
    assert programs is not None
    plain = ["--no-owner", "--no-privileges", "--no-comments", "--column-inserts", *options]
    dumped = subprocess.run(
        [programs / "pg_dump", *plain, uri], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    # Any server of this version and later loads it, without psql, whose own commands these are.
    return re.sub(r"^(\\.*|SET transaction_timeout.*)\n", "", dumped, flags=re.MULTILINE)


def _write(file: Path, text: str, places: Places) -> None:
    for name, value in places.items():
        text = text.replace(value, name)
    file.write_text(text)


def _read(file: Path, places: Places) -> str:
    text = file.read_text()
    for name, value in places.items():
        text = text.replace(name, value)
    if left := re.search(r"@[A-Z]+@", text):
        raise ValueError(f"{file}: nothing is known to stand for {left[0]}")
    return text


def facts_of(source: Path) -> dict[str, Any]:
    """Read what must still be true."""
    facts: dict[str, Any] = json.loads((source / "facts.json").read_text())
    return facts
