"""Run a data station."""

import argparse
from pathlib import Path


def register(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    start = commands.add_parser("start", help="run the node until it is stopped; running algorithms survive that")
    start.set_defaults(run=_start)
    check = commands.add_parser("check", help="say what works, what does not, and how to mend it")
    check.set_defaults(run=_check)
    journal = commands.add_parser("journal", help="show what this node decided")
    journal.add_argument("--json", action="store_true", help="one JSON object per line")
    journal.set_defaults(run=_journal)
    for command in (start, check, journal):
        command.add_argument("--config", required=True, type=Path, metavar="FILE", help="the YAML file of the node")
        command.add_argument("--name", help="name of the node; default: that of the file")


def _start(arguments: argparse.Namespace) -> int:
    from hanse_node import memory

    memory.before_imports()
    from hanse_node import main, settings

    return main.run(settings.load(arguments.config, arguments.name))


def _check(arguments: argparse.Namespace) -> int:
    from hanse_node import check, settings

    findings = check.run(settings.load(arguments.config, arguments.name))
    for finding in findings:
        print(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.text}")
        if finding.remedy:
            print(f"         → {finding.remedy}")
    return 0 if all(finding.ok for finding in findings) else 1


def _journal(arguments: argparse.Namespace) -> int:
    import json

    from hanse_core.errors import NotFound
    from hanse_node import settings
    from hanse_node.journal import Journal

    path = settings.load(arguments.config, arguments.name).directory / "journal.sqlite"
    if not path.exists():
        raise NotFound(f"there is no journal yet: {path}")
    with Journal(path) as journal:
        for line in journal.decisions():
            print(json.dumps(line) if arguments.json else _readable(line))
    return 0


def _readable(line: dict[str, object]) -> str:
    facts = {key: value for key, value in line.items() if value is not None and key not in ("at", "event")}
    return f"{line['at']} {line['event']:<9} " + " ".join(f"{key}={value}" for key, value in facts.items())
