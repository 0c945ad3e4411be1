"""Whose certificates this node believes: those of the system, and those that the settings name."""

import ssl
from pathlib import Path

from hanse_node.errors import CannotStart


def context(ca_file: Path | None) -> ssl.SSLContext:
    """Give what connections are secured with. Raises `CannotStart` when the file cannot be used."""
    trust = ssl.create_default_context()
    if ca_file is not None:
        try:
            trust.load_verify_locations(ca_file)
        except OSError as error:  # of which a file without certificates is one as well
            raise CannotStart(f"ca_file {ca_file} cannot be used: {error.strerror or error}") from error
    return trust
