"""Send analyses to the stations and get their results."""

import argparse
from collections.abc import Callable
from pathlib import Path

Handler = Callable[[argparse.Namespace], int]


def register(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _create(_add(commands, "create", "send an analysis", "create"))
    _list(_add(commands, "list", "list the newest analyses", "listing"))
    _task(_add(commands, "show", "show an analysis and how its runs are doing", "show"))
    _waiting(_task(_add(commands, "wait", "wait for an analysis and print its results", "wait")))
    _results(_task(_add(commands, "results", "print the results that have arrived", "results")))
    _task(_add(commands, "kill", "stop an analysis", "kill"))


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str, handler: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False)
    parser.add_argument("--profile", default="default", metavar="NAME", help="login to use (see `hanse login`)")
    parser.add_argument(
        "--format", choices=["text", "json"], default="text", help="json is for programs and stays stable"
    )
    parser.set_defaults(run=lambda arguments: _handler(handler)(arguments))
    return parser


def _handler(name: str) -> Handler:
    """Import what does the work only when there is some: `hanse --help` reads this module too."""
    from hanse.cli import _task_work

    handler: Handler = getattr(_task_work, name)
    return handler


def _create(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is computed")
    what.add_argument("--image", required=True, metavar="IMAGE", help="the algorithm, such as hanse/summary")
    what.add_argument("--method", required=True, metavar="NAME", help="the function to call, such as summary")
    what.add_argument(
        "--argument",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an argument of the function; VALUE is JSON, or else text (may be repeated)",
    )
    what.add_argument("--arguments-file", type=Path, metavar="FILE", help="all arguments, as a JSON object")
    where = parser.add_argument_group("where")
    where.add_argument("--collaboration", required=True, metavar="NAME", help="name or id")
    where.add_argument("--study", metavar="NAME", help="name or id of a part of the collaboration")
    where.add_argument(
        "--organization",
        action="append",
        metavar="NAME",
        help="name or id (may be repeated); default is every organization that has a node",
    )
    where.add_argument(
        "--database", action="append", metavar="LABEL", help="data to read (may be repeated); default is 'default'"
    )
    parser.add_argument("--name", default="", metavar="TEXT", help="name of the task; default is the method")
    parser.add_argument("--description", default="", metavar="TEXT", help="description of the task")
    parser.add_argument("--wait", action="store_true", help="wait for the results and print them")
    _waiting(parser)


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--collaboration", type=int, metavar="ID", help="only of this collaboration")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    parser.add_argument("--all", action="store_true", help="also the subtasks that algorithms created")


def _task(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("task", type=int, metavar="TASK", help="id of the task")
    return parser


def _waiting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="how long to wait; default is as it takes")
    parser.add_argument("--no-progress", action="store_true", help="show nothing while waiting")
    _results(parser)


def _results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--private-key", type=Path, metavar="FILE", help="key of your organization, for encrypted collaborations"
    )
