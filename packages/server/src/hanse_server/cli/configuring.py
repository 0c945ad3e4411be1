"""Beginning: a configuration file."""

import argparse
from pathlib import Path
from typing import Any

from hanse_server.cli.options import CONFIG, Commands


def register(commands: "Commands[Any]") -> None:
    """Add the command."""
    text = "write a configuration that explains every setting"
    init = commands.add_parser("init", help=text, description=f"{text.capitalize()}, with a signing secret of its own.")
    init.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=CONFIG,
        metavar="FILE",
        help="where to write it (default: %(default)s); never overwrites",
    )
    init.add_argument(
        "--database", metavar="URI", help="where the database will be (setting uri); by default an SQLite file beside"
    )
    init.set_defaults(run=_init)


def _init(arguments: argparse.Namespace) -> int:
    from hanse_server.configuration import commented, new_secret, write_private
    from hanse_web.db import require_kept

    file: Path = arguments.file
    # Absolute, so that a start from another folder does not begin with an empty database.
    database = arguments.database or f"sqlite:///{file.absolute().with_suffix('.sqlite')}"
    require_kept(database)
    write_private(file, commented({"uri": database, "jwt_secret_key": new_secret()}))
    print(f"{file} is written, with a new signing secret; only you can read it. Next:")
    print(f"\n    hanse server check --config {file}\n    hanse server start --config {file}")
    return 0
