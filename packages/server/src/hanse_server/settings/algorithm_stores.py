"""Settings of the coupling with algorithm stores."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class AlgorithmStores(BaseModel):
    """Which algorithm stores may be coupled, and what they decide."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    allowed_hosts: tuple[str, ...] = ()
    """Host names or addresses of stores that may be inside the operator's own network (`localhost`, for instance)."""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks in which stores may be although they are not public, such as `10.0.0.0/8`."""
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30
    """How long a store may take to answer; stock stores ask an image registry meanwhile."""
    require_approved_images: bool = False
    """Whether users may only run images from a store, by digest, in collaborations that have a store."""


class Development(BaseModel):
    """For those who try everything on one machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host_uri: str | None = None
    """Name of this machine as containers know it; tried where a store on `localhost` does not answer."""
