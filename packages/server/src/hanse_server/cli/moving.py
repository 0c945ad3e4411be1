"""Moving from a v4 server, and back to one."""

import argparse
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanse_server.cli.options import CONFIG, Commands, add_settings, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hanse_server.settings import Settings
    from hanse_server.transfer.report import Report

IMPORT = """\
Take over from a vantage6 v4 server. SOURCE is one of three, which are told apart by what is in them:

  its configuration file  a new configuration is written, which means the same (--output)
  its database            sqlite:///… or postgresql://…, of version 4.15, into an empty database of ours;
                          every id, password, API key and result stays. Only read, never changed
  an import file          organizations, users, collaborations and nodes as YAML, for `v6 server import`;
                          what is there by its name already is left as it is
"""


def register(commands: "Commands[Any]") -> None:
    """Add `import` and `export`."""
    plain = argparse.RawDescriptionHelpFormatter
    take = commands.add_parser("import", help="take over from a v4 server", description=IMPORT, formatter_class=plain)
    take.add_argument("source", metavar="SOURCE", help="a file, or the address of a database")
    add_settings(take)
    take.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    take.add_argument(
        "--output",
        type=Path,
        default=CONFIG,
        metavar="FILE",
        help="where a new configuration is written (default: %(default)s); never overwrites",
    )
    take.add_argument(
        "--no-way-back",
        action="store_true",
        help="do not keep the bcrypt hashes of a database, with which `export --v4` could bring people back",
    )
    take.set_defaults(run=_import)
    text = "write a database that the stock v4 server opens"
    give = commands.add_parser("export", help=text, description=f"{text.capitalize()}. Nothing is changed here.")
    what = give.add_mutually_exclusive_group(required=True)
    what.add_argument("--v4", metavar="URI", help="an empty database, such as sqlite:////path/default.sqlite")
    what.add_argument(
        "--forget-v4",
        action="store_true",
        help="instead, delete the bcrypt hashes that an import kept for the way back: there is none then",
    )
    add_settings(give)
    give.set_defaults(run=_export)


def _import(arguments: argparse.Namespace) -> int:
    from hanse_server.transfer import moves

    kind = moves.kind_of(arguments.source)
    if kind is moves.Kind.CONFIGURATION:
        default = f"sqlite:///{arguments.output.absolute().with_suffix('.sqlite')}"
        text, report = moves.take_configuration(arguments.source, arguments.database or default)
        return _configured(arguments, text, report)
    settings = settings_of(arguments)
    if kind is moves.Kind.DATABASE:
        report = moves.take_database(
            arguments.source, settings, keeps_way_back=not arguments.no_way_back, dry_run=arguments.dry_run
        )
        _tell("The database of the v4 server", report, arguments.dry_run)
        if not arguments.dry_run:
            print(
                "\nKeep the v4 server stopped and start this one at its address: people and stations log in as before."
            )
        return 0
    with _prepared(settings, arguments.dry_run) as prepared:
        report = moves.take_fixtures(arguments.source, prepared, dry_run=arguments.dry_run)
    return _tell("The import file", report, arguments.dry_run)


@contextmanager
def _prepared(settings: "Settings", is_dry: bool) -> "Iterator[Settings]":
    """Make the database where there is none yet; for a dry run one that is thrown away."""
    import tempfile

    from hanse_server.main import prepare
    from hanse_web.db import sqlite_file

    file = sqlite_file(settings.uri)
    if is_dry and file is not None and not file.exists():
        with tempfile.TemporaryDirectory(prefix="hanse-dry-run-") as folder:
            elsewhere = settings.model_copy(update={"uri": f"sqlite:///{folder}/dry-run.sqlite"})
            prepare(elsewhere)
            yield elsewhere
        return
    password = None if is_dry else prepare(settings)
    if password is not None:
        print("The database is new. Log in as root with this password, which is shown only now:")
        print(f"\n    {password}\n")
    yield settings


def _tell(what: str, report: "Report", is_dry: bool) -> int:
    print(f"{what} would be taken over; nothing was changed:" if is_dry else f"{what} is taken over:")
    print(*report.lines(), sep="\n")
    return 0


def _configured(arguments: argparse.Namespace, text: str, report: "Report") -> int:
    from hanse_server.configuration import given_lines, write_private

    if arguments.dry_run:
        print("Nothing was written. The new configuration would explain every setting, and set these:\n")
        print(*given_lines(text), "", sep="\n")
    else:
        write_private(arguments.output, text)
        print(f"{arguments.output} is written; only you can read it.")
    print(*report.lines(), sep="\n")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from hanse_server.transfer import moves

    settings = settings_of(arguments)
    if arguments.forget_v4:
        number = moves.forget_v4(settings)
        print(f"{number} hashes of the v4 server are deleted; `export --v4` cannot bring those accounts back any more.")
        return 0
    report = moves.give_database(arguments.v4, settings)
    print("A database for the v4 server is written:")
    print(*report.lines(), sep="\n")
    print("\nGive the v4 server the same jwt_secret_key, and stop this server before that one starts.")
    return 0
