"""Run a data station."""

import argparse
from pathlib import Path

from hanse_node.cli import keys, policy, runs, setup, unit


def register(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    setup.register(commands, chosen)
    start = commands.add_parser("start", help="run the node until it is stopped; running algorithms survive that")
    start.set_defaults(run=_start)
    check = commands.add_parser("check", help="say what works, what does not, what is weak, and how to mend it")
    check.add_argument("--json", action="store_true", help="one JSON object per line")
    check.set_defaults(run=_check)
    for command in (start, check):
        chosen(command)
    runs.register(commands, chosen)
    policy.register(commands, chosen)
    unit.register(commands, chosen)
    keys.register(commands, chosen)


def chosen(command: argparse.ArgumentParser) -> None:
    """Let the user say which node is meant."""
    command.add_argument("--config", type=Path, metavar="FILE", help="the YAML file of the node")
    command.add_argument("--name", help="name of the node; without --config that of a file in the usual folders")


def _start(arguments: argparse.Namespace) -> int:
    from hanse_node import memory

    memory.before_imports()
    from hanse_node import main, places

    return main.run(places.settings_of(arguments.config, arguments.name))


def _check(arguments: argparse.Namespace) -> int:
    import dataclasses
    import json

    from hanse_node import check, places

    findings = check.run(places.settings_of(arguments.config, arguments.name))
    for finding in findings:
        if arguments.json:
            print(json.dumps({**dataclasses.asdict(finding), "ok": finding.ok}))
            continue
        print(f"{finding.mark:<7}  {finding.text}")
        if finding.remedy:
            print(f"         → {finding.remedy}")
    return check.exit_code(findings)
