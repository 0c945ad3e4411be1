"""Algorithm stores: coupling them to collaborations, straight in the database and at the stores."""

import argparse
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from hanse_server.cli.options import Commands, add_settings, settings_of

if TYPE_CHECKING:
    from hanse_server.store_administration import StoreAdministration

T = TypeVar("T")


def register(commands: "Commands[Any]") -> None:
    """Add `store` and what it can do."""
    text = "couple algorithm stores"
    store = commands.add_parser("store", help=text, description=f"{text.capitalize()}. The server may run meanwhile.")
    actions = store.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add(actions, "list", _list, "list all algorithm stores")
    add = _add(actions, "add", _add_store, "couple an algorithm store")
    add.add_argument("url", metavar="URL", help="address of the store, or `community` for that of the v4 community")
    add.add_argument("--name", metavar="TEXT", help="how people see it; by default its host")
    whose = "a collaboration that may use it, by id; may be repeated; without it all may"
    add.add_argument("--collaboration", type=int, action="append", default=[], metavar="ID", help=whose)
    unregistered = "do not ask the store to accept this server's users; for stores that anybody may read"
    add.add_argument("--unregistered", action="store_true", help=unregistered)
    remove = _add(actions, "remove", _remove, "forget an algorithm store; tasks that came from it stay")
    remove.add_argument("store", metavar="STORE", help="id or address of the store")
    for command in (add, remove):
        on_behalf = "the user on whose behalf the store is asked; root by default"
        command.add_argument("--as", dest="username", default="root", metavar="USERNAME", help=on_behalf)
        own = "address under which the store reaches this server, where the setting server_url does not say it"
        command.add_argument("--server-url", metavar="URL", help=own)


def _add(actions: "Commands[Any]", name: str, run: Any, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = actions.add_parser(name, help=text, description=f"{text.capitalize()}.")
    add_settings(command)
    command.set_defaults(run=run)
    return command


def _open(arguments: argparse.Namespace) -> "StoreAdministration":
    from hanse_server.store_administration import StoreAdministration

    return StoreAdministration(settings_of(arguments), getattr(arguments, "username", "root"))


def _run(work: Coroutine[Any, Any, T]) -> T:
    import asyncio  # Help need not wait for it.

    return asyncio.run(work)


def _list(arguments: argparse.Namespace) -> int:
    rows = _run(_open(arguments).list())
    for line in [("ID", "NAME", "ADDRESS", "COLLABORATIONS"), *((r.id, r.name, r.url, r.collaborations) for r in rows)]:
        print("  ".join(map(str, line)))
    return 0


def _add_store(arguments: argparse.Namespace) -> int:
    given = arguments.url, arguments.name, arguments.collaboration, arguments.server_url
    number, url = _run(_open(arguments).add(*given, registers=not arguments.unregistered))
    whom = f"collaborations {', '.join(map(str, arguments.collaboration))}" if arguments.collaboration else "all"
    print(f"The algorithm store {url} is coupled to {whom}, with id {number}.")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    said = _run(_open(arguments).remove(arguments.store, arguments.server_url))
    print(f"{said[0].upper()}{said[1:]}.")
    return 0
