"""How everything of one node is named and labelled at an engine that it shares with others."""

import json
from dataclasses import dataclass

NODE, INSTANCE, RUN, JOB, SOCKET, DOORS, SECONDS, LOG_BYTES, IMAGE, PROFILE = (
    f"eu.hanse.{name}"
    for name in ("node", "instance", "run", "job", "socket", "doors", "seconds", "log", "image", "profile")
)


@dataclass(frozen=True, slots=True)
class Labels:
    """The node's name, and a number that no other node has: names may be the same, folders may move."""

    name: str
    instance: str
    """Eight hexadecimal digits."""

    def of_node(self) -> dict[str, str]:
        return {NODE: self.name, INSTANCE: self.instance}

    def filters(self, *further: str) -> str:
        """Give the engine's filter for what belongs to this node."""
        return json.dumps({"label": [f"{INSTANCE}={self.instance}", *further]})

    def container(self, run_id: int) -> str:
        return f"hanse-{self.name}-{self.instance}-run-{run_id}"

    def network(self, number: int) -> str:
        return f"hanse-{self.name}-{self.instance}-{number}"

    @property
    def bridges(self) -> str:
        """What the names of all bridges of this node begin with."""
        return f"h{self.instance}-"

    def bridge(self, number: int) -> str:
        """Name a bridge; the kernel allows fifteen characters."""
        return f"{self.bridges}{number}"

    @property
    def chain(self) -> str:
        """The node's own chain in the firewall."""
        return f"HANSE-{self.instance}"
