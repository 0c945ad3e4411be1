"""What an operator decides about SSH tunnels and linked services, under the names that stock files have."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from hanse_node.egress_settings import Port, Ports

OWN_NAMES = frozenset({"localhost", "proxyserver", "squid"})
"""What already means something inside a run."""
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9])?")
_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/]+=*( .*)?")


def _hostname(text: str) -> str:
    if not _HOSTNAME.fullmatch(text) or text.lower() in OWN_NAMES:
        raise ValueError(f"{text!r} cannot be the name of something that runs reach: letters, digits, -, _ and .")
    return text


def _host_key(text: str) -> str:
    if not _KEY.fullmatch(text.strip()):
        raise ValueError("must be the host's public key, such as 'ssh-ed25519 AAAA…': what  ssh-keyscan HOST  prints")
    return text.strip()


HostName = Annotated[str, AfterValidator(_hostname)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Identity(_Frozen):
    """As whom this station logs in."""

    username: str
    key: Path


class SshServer(_Frozen):
    """The machine at the far end, with the one key that it is believed by."""

    host: str
    port: Port = 22
    fingerprint: Annotated[str, AfterValidator(_host_key)]
    identity: Identity


class Endpoint(_Frozen):
    """One end of a tunnel."""

    ip: str = "127.0.0.1"
    port: Port


class Ends(_Frozen):
    """Where runs find the tunnel, and where it leads, as seen from the SSH server."""

    bind: Endpoint
    dest: Endpoint


class Tunnel(_Frozen):
    """A way through an SSH server to one port."""

    hostname: HostName
    ssh: SshServer
    tunnel: Ends

    @property
    def port(self) -> int:
        """Where runs find it, at its hostname."""
        return self.tunnel.bind.port

    def __str__(self) -> str:
        return f"{self.tunnel.dest.ip}:{self.tunnel.dest.port} behind {self.ssh.host}:{self.ssh.port}"


class Service(_Frozen):
    """A container of the same engine that runs may reach; without ports, at those that its image declares."""

    container: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")]
    ports: Ports = ()

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Stock files only give the name of the container."""
        return {"container": value} if isinstance(value, str) else value

    def __str__(self) -> str:
        return f"the container {self.container}"
