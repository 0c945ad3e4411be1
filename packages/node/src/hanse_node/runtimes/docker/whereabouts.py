"""Where the engine finds what this node has, and who its containers are on this machine.

The node may itself be in a container of that engine, and the engine may map users.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hanse_node.errors import CannotStart
from hanse_node.runtimes.base import StartFailed
from hanse_node.runtimes.docker.engine import Engine, EngineRefused, Json

MOUNTS = Path("/proc/self/mountinfo")
MAPPED = 65536
"""So many users and groups are usually mapped, from the first on."""
CONTAINER = re.compile(r"/containers/([0-9a-f]{64})/")
"""Where engines keep the files that they mount into a container at `/etc`."""


@dataclass
class Whereabouts:
    """Until `learn` found otherwise, the node and its engine see the same files."""

    image: str = ""
    """The image of the node's own container; empty when it is in none."""
    _shown: Mapping[Path, Path] = field(default_factory=dict)
    """Folders of the container, and of the machine, that are the same."""

    first_user: int = 0
    first_group: int = 0
    """Who root of a container is on this machine; somebody else than root where the engine maps users."""

    def learn_users(self, info: Json) -> None:
        """Read from what the engine tells of itself whether it maps users, and onto whom."""
        if "name=userns" in (info.get("SecurityOptions") or ()):
            # It keeps what containers have in a folder that is named by them.
            user, _, group = Path(info["DockerRootDir"]).name.partition(".")
            self.first_user, self.first_group = int(user), int(group)

    def group_inside(self, group: int) -> int | None:
        """Give the number by which a container may have a group of this machine, unless it is root's or not mapped."""
        inside = group - self.first_group
        return inside if inside > 0 and (not self.first_group or inside < MAPPED) else None

    async def learn(self, engine: Engine, *, elsewhere: bool) -> None:
        """Ask the engine for the container that this process is in. Raises `CannotStart` when a run could not reach it.

        `elsewhere` tells that `docker.network_namespace` says where the engine's networks are.
        """
        for container in _own():
            try:
                own = await engine.ask("GET", f"containers/{container}/json")
            except EngineRefused as error:
                if error.answer == 404:  # of another engine: what this one shows runs, it finds where we do
                    continue
                raise
            if own["HostConfig"]["NetworkMode"] != "host" and not elsewhere:
                raise CannotStart(
                    "this node is in a container with a network of its own, where its runs cannot reach it: "
                    "start it with --network host"
                )
            self.image, self._shown = str(own["Image"]), dict(_same(own["Mounts"]))

    def on_host(self, path: Path) -> Path:
        """Give the path by which the engine knows a path of this node. Raises `StartFailed` when it knows none."""
        if not self.image:
            return path
        real = Path(os.path.realpath(path))
        for inside in (real, *real.parents):
            if inside in self._shown:
                return self._shown[inside] / real.relative_to(inside)
        raise StartFailed(
            f"{path} is only in the container of this node, so the engine cannot show it to runs: start the node with "
            f"--volume {path}:{path}, or with a folder above it"
        )


def _own() -> set[str]:
    """Give the containers that this process is in, of whichever engines."""
    return set(CONTAINER.findall(MOUNTS.read_text()))


def _same(mounts: Iterable[Json]) -> Iterable[tuple[Path, Path]]:
    for mount in mounts:
        # What has no source, such as memory, hides what is below it and cannot be shown to others.
        if mount["Source"]:
            yield Path(mount["Destination"]), Path(mount["Source"])
