"""`hanse node init`: the files of a new node, from questions, or from flags without any question."""

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def register(commands: Any, chosen: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the sub-command."""
    init = commands.add_parser("init", help="write the configuration of a new node; asks for what no flag says")
    init.add_argument("--name", help="name of the node on this machine")
    init.add_argument("--server", metavar="URL", help="address of the server, such as https://hanse.example/api")
    init.add_argument(
        "--api-key-file", metavar="FILE", help="a file with the node's API key; - reads it from the input"
    )
    init.add_argument(
        "--database", action="append", default=[], metavar="LABEL:TYPE:URI", help="a database, such as lung:csv:/data/x"
    )
    init.add_argument("--private-key", type=Path, metavar="FILE", help="the organization's private key, if encrypted")
    init.add_argument("--runtime", choices=("docker", "process"), default="docker", help="how algorithms run (docker)")
    init.add_argument("--folder", type=Path, help="where to write; default: the user's folder of nodes")
    init.set_defaults(run=_init)


def _init(arguments: argparse.Namespace) -> int:
    import yaml

    from hanse_core.errors import Conflict
    from hanse_node import places, settings_file
    from hanse_node.cli.ask import ask
    from hanse_node.policy import draft

    name = arguments.name or ask("Name of this node", "--name")
    folder: Path = arguments.folder or places.folders()[0]
    config, key, policy = (folder / f"{name}{ending}" for ending in (".yaml", ".key", ".policy.yaml"))
    if config.exists() or (arguments.folder is None and name in places.configured()):
        raise Conflict(f"there is a node '{name}' on this machine already; give this one another name")
    server = _server(arguments.server or ask("Address of the server", "--server"))
    fields = {
        **server,
        "api_key_file": key.name,
        "databases": [_database(text) for text in arguments.database or _asked_databases()],
        "encryption": _encryption(arguments.private_key),
        "policies_file": policy.name,
        "runtime": arguments.runtime,
    }
    secret = _api_key(arguments.api_key_file)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as undoing:
        try:
            _write(key, secret + "\n", 0o600, undoing)
            _write(policy, draft.text(draft.Answers()), 0o640, undoing)
            _write(config, yaml.safe_dump(fields, sort_keys=False, allow_unicode=True), 0o600, undoing)
        except FileExistsError as error:
            raise Conflict(f"{error.filename} exists already; this node may have another name") from None
        settings_file.load(config)
        undoing.pop_all()
    print(f"written: {config}, {key.name}, {policy.name}\nNothing may run yet: say what may in {policy}, then")
    print(f"  hanse node check --config {config}\n  hanse node start --config {config}")
    return 0


def _server(text: str) -> dict[str, object]:
    from hanse_core.errors import Invalid

    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError as error:
        raise Invalid(f"{text} is no address of a server: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"{text} is no address of a server; it should look like https://hanse.example/api")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return {"server_url": f"{parts.scheme}://{host}", "port": port, "api_path": parts.path.rstrip("/") or "/api"}


def _database(text: str) -> dict[str, str]:
    from hanse_core.errors import Invalid

    label, _, rest = text.partition(":")
    kind, _, uri = rest.partition(":")
    if not (label and kind and uri):
        raise Invalid(f"{text} should be LABEL:TYPE:URI, such as lung:csv:/data/lung.csv")
    return {"label": label, "type": kind, "uri": uri if "://" in uri else str(Path(uri).absolute())}


def _asked_databases() -> list[str]:
    from hanse_node.cli.ask import ask_list

    return ask_list("Databases, each as LABEL:TYPE:URI")


def _encryption(private_key: Path | None) -> dict[str, object]:
    if private_key is None:
        return {"enabled": False}
    return {"enabled": True, "private_key": str(private_key.absolute())}


def _api_key(source: str | None) -> str:
    """Read the key from a file, from the input, or unseen from the terminal; never from the command line."""
    from hanse_core.errors import Invalid

    try:
        if source == "-":
            found = sys.stdin.readline()
        elif source is not None:
            found = Path(source).read_text()
        elif sys.stdin.isatty():
            found = getpass.getpass("API key of this node: ")
        else:
            raise Invalid("--api-key-file is missing, and there is nobody to ask")
    except OSError as error:
        raise Invalid(f"the API key cannot be read from {source}: {error.strerror}") from None
    if not found.strip():
        raise Invalid("the API key is empty")
    return found.strip()


def _write(path: Path, text: str, mode: int, undoing: ExitStack) -> None:
    """Make a file, and let it be removed again; one that is there already is none of ours."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    undoing.callback(path.unlink, missing_ok=True)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
