"""Run and look after the central server."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hanse_server.settings import Settings


def register(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    start = commands.add_parser("start", help="run the server until it is told to stop")
    start.add_argument("--host", metavar="ADDRESS", help="address to listen on (setting ip)")
    start.add_argument("--port", type=int, metavar="PORT", help="port to listen on, 0 for any free one (setting port)")
    start.set_defaults(run=_start)
    migrate = commands.add_parser("migrate", help="bring the tables of the database to this version")
    migrate.set_defaults(run=_migrate)
    check = commands.add_parser("check", help="say whether the server could start, and what to do if not")
    check.set_defaults(run=_check)
    for command in (start, migrate, check):
        command.add_argument("--config", type=Path, metavar="FILE", help="YAML file with settings")
        command.add_argument("--database", metavar="URI", help="where the database is (setting uri)")


def _settings(arguments: argparse.Namespace) -> "Settings":
    from hanse_server.settings import load
    from hanse_web.logs import configure

    given = {"ip": getattr(arguments, "host", None), "port": getattr(arguments, "port", None)}
    settings = load(arguments.config, uri=arguments.database, **given)
    configure(settings.log_format, settings.log_level)
    return settings


def _start(arguments: argparse.Namespace) -> int:
    from hanse_server.main import create_app, prepare
    from hanse_server.serving import listen, serve

    settings = _settings(arguments)
    with listen(settings.ip, settings.port) as socket:
        password = prepare(settings)
        if password is not None:
            print("The database is new. Log in as root with this password, which is shown only now:")
            print(f"\n    {password}\n", flush=True)
        return serve(create_app(settings), socket, settings.api_path)


def _migrate(arguments: argparse.Namespace) -> int:
    from hanse_server.main import migrate

    before, after = migrate(_settings(arguments))
    print(f"The tables are at version {after} already." if before == after else f"The tables are now at {after}.")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from hanse_server.checks import problems

    found = problems(_settings(arguments))
    for problem in found:
        print(f"- {problem}")
    print("The server cannot start like this." if found else "All is well: the server can start.")
    return 1 if found else 0
