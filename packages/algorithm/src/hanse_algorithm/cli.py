"""Describe an algorithm package for the algorithm store."""

import argparse


def register(parser: argparse.ArgumentParser) -> None:
    """Add `describe`."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    describe = commands.add_parser(
        "describe", help="print the entry for the algorithm store as JSON", allow_abbrev=False
    )
    describe.add_argument("package", metavar="PACKAGE", help="import name of the package, such as hanse_summary")
    describe.add_argument("--name", help="name of the algorithm (default: the package's)")
    describe.add_argument("--image", default="", help="image that holds the package")
    describe.add_argument("--code-url", default="", help="where the source can be reviewed")
    describe.add_argument("--documentation-url", default="", help="where the documentation is")
    describe.add_argument("--partitioning", choices=("horizontal", "vertical"), default="horizontal")
    describe.set_defaults(run=_describe)


def _describe(options: argparse.Namespace) -> int:
    import json
    import sys
    from importlib import import_module
    from pathlib import Path

    from hanse_algorithm.describe import describe

    sys.path.insert(0, str(Path.cwd()))
    try:
        module = import_module(options.package)
    except ImportError as error:
        print(f"hanse: '{options.package}' cannot be imported: {error}", file=sys.stderr)
        return 1
    chosen = ("name", "image", "code_url", "documentation_url", "partitioning")
    entry = describe(module, **{name: getattr(options, name) for name in chosen})
    if not entry["functions"]:
        print(f"hanse: '{options.package}' has no function with @central or @federated", file=sys.stderr)
        return 1
    print(json.dumps(entry, indent=2, ensure_ascii=False))
    return 0
