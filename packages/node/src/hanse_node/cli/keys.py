"""`hanse node key ls | trust | import | export`: which public keys of partners this node believes."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hanse_core.crypto import cli

if TYPE_CHECKING:
    from hanse_core.crypto.known_keys import KnownKeys


def register(commands: Any, chosen: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the sub-commands."""
    key = commands.add_parser("key", help="see and confirm the public keys of the organizations that results are for")
    cli.register(key, _known, chosen, _parse)


def _known(arguments: argparse.Namespace) -> "KnownKeys":
    from hanse_node import places
    from hanse_node.vault import known_keys

    return known_keys(places.settings_of(arguments.config, arguments.name).directory / "keys.json")


def _parse(text: str) -> object:
    """Read YAML, of which JSON is a part. Raises `ValueError`."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
