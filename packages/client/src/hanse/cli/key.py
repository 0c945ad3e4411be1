"""See and confirm the public keys of the organizations that inputs are sealed for.

Keys are believed as they were first seen at a server, or from a bundle; one that changes is refused until it is
confirmed here, by the fingerprint that the organization itself tells.
"""

import argparse
from typing import TYPE_CHECKING

from hanse_core.crypto import cli

if TYPE_CHECKING:
    from hanse_core.crypto.known_keys import KnownKeys


def register(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    cli.register(parser, _known, _chosen)


def _chosen(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group()
    which.add_argument("--profile", default="default", metavar="NAME", help="login at the server (see `hanse login`)")
    which.add_argument("--server", metavar="URL", help="address of the server, without a login")


def _known(arguments: argparse.Namespace) -> "KnownKeys":
    from hanse._http import api_url
    from hanse.encryption import known_keys
    from hanse.profiles import load

    return known_keys(str(api_url(arguments.server or load(arguments.profile).url)))
