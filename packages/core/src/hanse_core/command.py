"""The `hanse` command: its sub-commands come from the distributions that are installed.

A distribution names a module in the entry-point group `hanse.commands`. The module is light to import
(its work is imported when it runs), its docstring's first line is the help text, and it offers
`register(parser)`, which adds arguments and sets `run=callable(namespace) -> exit code`.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Protocol, cast

from hanse_core import __version__
from hanse_core.errors import HanseError

GROUP = "hanse.commands"


class CommandModule(Protocol):
    """What a module named in the group offers."""

    __doc__: str | None

    def register(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments of this sub-command to its parser."""


class _Help(argparse.HelpFormatter):
    """Leaves room for the indent of sub-commands, so that a name and its help text share a line."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        self._action_max_length += 2


def parser() -> argparse.ArgumentParser:
    """Build the whole command from what is installed."""
    root = argparse.ArgumentParser(
        prog="hanse",
        description="Analyse data together that may not move.",
        allow_abbrev=False,
        formatter_class=_Help,
    )
    root.set_defaults(run=lambda _: root.print_help())
    root.add_argument("--version", action="version", version=f"hanse {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND")
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        module = cast(CommandModule, import_module(entry.value))
        text = (module.__doc__ or "").strip().splitlines()[0].rstrip(".")
        module.register(commands.add_parser(entry.name, help=text, description=text + ".", allow_abbrev=False))
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; an error that a person can act on is one line, not a traceback."""
    namespace = parser().parse_args(arguments)
    try:
        return int(namespace.run(namespace) or 0)
    except HanseError as error:
        print(f"hanse: {error.message}", file=sys.stderr)  # noqa: T201
        for field, texts in error.errors.items():
            print(f"  {field}: {'; '.join(texts)}", file=sys.stderr)  # noqa: T201
        if error.retry_after:
            print(f"  try again in {error.retry_after} seconds", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130
