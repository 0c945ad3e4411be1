"""To be written."""

import argparse


def register(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    parser.set_defaults(run=lambda _: 0)
