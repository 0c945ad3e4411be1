"""Beginning: a configuration file."""

import argparse
from pathlib import Path
from typing import Any

from hanse_server.cli.options import Commands


def register(commands: "Commands[Any]") -> None:
    """Add the command."""
    text = "write a configuration that explains every setting"
    init = commands.add_parser("init", help=text, description=f"{text.capitalize()}, with a signing secret of its own.")
    init.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=Path("hanse-server.yaml"),
        metavar="FILE",
        help="where to write it (default: %(default)s); never overwrites",
    )
    init.set_defaults(run=_init)


def _init(arguments: argparse.Namespace) -> int:
    from hanse_server.configuration import commented, new_secret, write_private

    file: Path = arguments.file
    # Absolute, so that a start from another folder does not begin with an empty database.
    database = f"sqlite:///{file.absolute().with_suffix('.sqlite')}"
    write_private(file, commented({"uri": database, "jwt_secret_key": new_secret()}))
    print(f"{file} is written, with a new signing secret; only you can read it. Next:")
    print(f"\n    hanse server check --config {file}\n    hanse server start --config {file}")
    return 0
