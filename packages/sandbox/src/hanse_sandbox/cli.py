"""Start a federation of three stations on this machine and answer three questions on real patients' data."""

import argparse


def register(parser: argparse.ArgumentParser) -> None:
    """Add the options of the demo."""
    parser.add_argument("--keep", action="store_true", help="leave the federation running and say how to reach it")
    parser.add_argument("--json", action="store_true", help="print one JSON object for programs, and nothing else")
    parser.add_argument("--folder", metavar="DIR", help="put its files here instead of a temporary folder")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from hanse_sandbox.session import run

    return run(keep=options.keep, as_json=options.json, folder=options.folder)
