"""Settings of the way that requests come by."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        try:
            ip_network(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is not an address or a network such as 10.0.0.0/8") from error
    return value


Networks = Annotated[tuple[str, ...], AfterValidator(_networks)]
"""Addresses or networks, as texts."""
