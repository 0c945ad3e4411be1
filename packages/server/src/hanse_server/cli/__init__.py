"""Run and look after the central server."""

import argparse

from hanse_server.cli import configuring, moving, serving, stores, users


def register(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (configuring, moving, serving, stores, users):
        module.register(commands)
