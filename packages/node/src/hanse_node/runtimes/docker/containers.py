"""What the engine is asked to create for a run: a pure translation of the run, the profile and the limits."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hanse_node.contract import View, database_inside, environment, isolated_view
from hanse_node.docker_settings import Docker, ImageRules
from hanse_node.runtimes.base import Door, Limits, Mount, RunSpec, StartFailed
from hanse_node.runtimes.docker import labels
from hanse_node.runtimes.docker.engine import Json
from hanse_node.runtimes.docker.networks import Network
from hanse_node.runtimes.docker.whereabouts import Whereabouts

NOBODY = 65534
PROXY_NAME = "proxyserver"
"""What stock nodes call it; known in the container's own hosts file."""
NO_RESOLVER = "127.0.0.1"
"""Nobody answers there, inside the container; else some engines ask the machine's resolver, internal network or not."""
SANDBOX_PROCESSES = 64
PER_PROCESS = 10
"""Under gVisor a limit of processes counts threads of the sandbox itself, up to ten for each process of the run."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is the same for all containers of a node."""

    docker: Docker
    labels: labels.Labels
    port: int
    gpu: bool = False
    whereabouts: Whereabouts = field(default_factory=Whereabouts)

    def container(self, spec: RunSpec, image_id: str, network: Network) -> Json:
        """Give the body of the engine's request."""
        rules = self.docker.rules_for(spec.image, spec.profile, spec.capabilities)
        view = self.view(spec)
        return {
            "Image": image_id,
            "Env": [f"{name}={value}" for name, value in environment(spec, view).items()],
            "Labels": self._labels(spec, rules),
            "Healthcheck": {"Test": ["NONE"]},
            "Tty": False,
            "HostConfig": {
                **confinement(self.docker, rules, network, [door.host for door in spec.doors]),
                **ceilings(spec.limits, in_sandbox=sandboxed(rules.oci_runtime)),
                "Binds": [*_binds(spec, view, self.whereabouts)],
                "GroupAdd": [*_groups(spec.mounts, self.whereabouts)],
                "DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}] if self.gpu else [],
                **({"Runtime": rules.oci_runtime} if rules.oci_runtime else {}),
            },
            **user(self.docker, rules),
        }

    def of_each_runtime(self) -> list["Recipe"]:
        """Give the same for each OCI runtime that runs may be under, that of most images first."""
        copies = [self.docker.model_copy(update={"oci_runtime": name}) for name in self.docker.oci_runtimes]
        return [replace(self, docker=docker) for docker in copies]

    def holds(self, spec: RunSpec) -> str:
        """Say under what a run is, for the record."""
        rules = self.docker.rules_for(spec.image, spec.profile, spec.capabilities)
        return f"OCI runtime: {rules.oci_runtime or 'the default of the engine'}, profile: {rules.profile}"

    def view(self, spec: RunSpec) -> View:
        """Give where the run finds everything."""
        return isolated_view(spec, f"http://{PROXY_NAME}", self.port)

    def door(self, socket: Path) -> Door:
        """Give the door to a run's proxy, which each run has."""
        return Door(socket, PROXY_NAME, self.port)

    def check(self, spec: RunSpec) -> None:
        """Find what would fail inside with a message that helps nobody. Raises `StartFailed`."""
        for path in (spec.folder, spec.temporary, *(Path(mount.uri) for mount in spec.mounts if mount.is_path)):
            if ":" in f"{path}{self.whereabouts.on_host(path)}":
                raise StartFailed(f"the path {path} contains a colon, which the engine cannot bind")
        who = user(self.docker, self.docker.rules_for(spec.image, spec.profile, ())).get("User")
        for mount in spec.mounts:
            if mount.is_path and not _readable(Path(mount.uri), who, self.whereabouts):
                raise StartFailed(_unreadable(mount.label, who, self.whereabouts))

    def _labels(self, spec: RunSpec, rules: ImageRules) -> dict[str, str]:
        return {
            **self.labels.of_node(),
            labels.RUN: str(spec.run_id),
            labels.JOB: str(spec.job_id),
            labels.IMAGE: f"{spec.image} {spec.digest}",
            labels.PROFILE: str(rules.profile),
            labels.SOCKET: str(spec.proxy_socket),
            labels.DOORS: json.dumps({door.port: str(door.path) for door in spec.doors}),
            labels.SECONDS: "" if spec.limits.seconds is None else str(spec.limits.seconds),
            labels.LOG_BYTES: str(spec.limits.log_bytes),
        }


def confinement(docker: Docker, rules: ImageRules, network: Network, names: Iterable[str] = ()) -> Json:
    """Give what holds for every container; a profile decides about the root file system only.

    The node's side of the network has these names besides that of the proxy.
    """
    root: Json = {}
    if rules.profile == "strict":
        scratch = f"rw,nosuid,nodev,size={docker.scratch_bytes},mode=1777"
        root = {"ReadonlyRootfs": True, "Tmpfs": {"/tmp": scratch}}  # noqa: S108
    return {
        "NetworkMode": network.id,
        "ExtraHosts": [f"{name}:{network.gateway}" for name in dict.fromkeys([PROXY_NAME, *names])],
        "Dns": [NO_RESOLVER],
        "DnsOptions": ["timeout:1", "attempts:1"],
        "CapDrop": ["ALL"],
        "CapAdd": list(rules.capabilities),
        "SecurityOpt": ["no-new-privileges"],
        "IpcMode": "private",
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "8m", "max-file": "2"}},
        **root,
    }


def sandboxed(oci_runtime: str | None) -> bool:
    """Tell whether runs are under gVisor, which goes by the name of its program."""
    return (oci_runtime or "").startswith("runsc")


def ceilings(limits: Limits, *, in_sandbox: bool) -> Json:
    """Give what the kernel enforces."""
    limited: Json = {"Ulimits": [_ulimit("core", 0), _ulimit("fsize", limits.output_bytes)]}
    if limits.processes is not None:
        limited["PidsLimit"] = limits.processes
        if in_sandbox:
            limited["PidsLimit"] = SANDBOX_PROCESSES + PER_PROCESS * limits.processes
            limited["Ulimits"].append(_ulimit("nproc", limits.processes))
    if limits.memory_bytes is not None:
        limited |= {"Memory": limits.memory_bytes, "MemorySwap": limits.memory_bytes}
    if limits.cpus is not None:
        limited["NanoCpus"] = int(limits.cpus * 1e9)
    return limited


def user(docker: Docker, rules: ImageRules) -> dict[str, str]:
    """Give as whom the container runs; under `v4` as the image says, which for stock images is root."""
    if rules.profile != "strict":
        return {}
    if docker.user is not None:
        return {"User": docker.user}
    own, group = os.geteuid(), os.getegid()
    return {"User": f"{own}:{group}" if own else f"{NOBODY}:{NOBODY}"}


def _ulimit(name: str, value: int) -> Json:
    return {"Name": name, "Soft": value, "Hard": value}


def _binds(spec: RunSpec, view: View, whereabouts: Whereabouts) -> Iterator[str]:
    """Show the run its own folder, its job's temporary folder, both writable, and the selected databases."""
    yield f"{whereabouts.on_host(spec.folder)}:{view.folder}:rw"
    yield f"{whereabouts.on_host(spec.temporary)}:{view.temporary}:rw"
    for mount in {mount.label: mount for mount in spec.mounts if mount.is_path}.values():
        source = whereabouts.on_host(Path(mount.uri))
        yield f"{source}:{database_inside(mount)}:{'rw' if mount.writable else 'ro'}"


def _groups(mounts: Sequence[Mount], whereabouts: Whereabouts) -> Iterator[str]:
    """Let the run read what the group of a selected database may read; it sees nothing else of that group."""
    for path in {mount.uri for mount in mounts if mount.is_path}:
        try:
            group = whereabouts.group_inside(os.stat(path).st_gid)
        except OSError:
            continue
        if group is not None:
            yield str(group)


def _readable(path: Path, who: str | None, whereabouts: Whereabouts) -> bool:
    """Tell whether a file can be read by a user without privileges, who gets the file's group.

    Who the image says is not known; usually root, who may read whatever root has, unless the engine maps users.
    """
    if who is None and not whereabouts.first_user:
        return True
    try:
        facts = path.stat()
    except OSError:
        return False
    uid, _, gid = (who or "0:0").partition(":")
    if facts.st_uid == int(uid) + whereabouts.first_user:
        return bool(facts.st_mode & 0o400)
    if facts.st_mode & 0o040 and whereabouts.group_inside(facts.st_gid) is not None:
        return True
    own_group = facts.st_gid == int(gid) + whereabouts.first_group
    return bool(facts.st_mode & (0o040 if own_group else 0o004))


def _unreadable(label: str, who: str | None, whereabouts: Whereabouts) -> str:
    trouble = f"the file of database '{label}' may not be read by the user {who or '0:0'}, as which algorithms run here"
    if whereabouts.first_user:
        return (
            f"{trouble}, and who is another one on this machine, as the engine maps users (userns-remap: its root is "
            f"{whereabouts.first_user}:{whereabouts.first_group} here): let everybody read the file, or give it a "
            f"group above {whereabouts.first_group} that may read it; folders above it may stay closed"
        )
    return f"{trouble}: give it, or its group, the right to read, or set docker.user"


def doors_of(found: Mapping[str, str]) -> list[Door]:
    """Read back at which ports what is served for a container besides its proxy."""
    further = json.loads(found.get(labels.DOORS) or "{}")
    return [Door(Path(path), "", int(number)) for number, path in further.items()]


def limits_of(found: Mapping[str, str]) -> tuple[float | None, int]:
    """Read back what a container may use in time (seconds) and log (bytes)."""
    seconds = found.get(labels.SECONDS) or None
    return float(seconds) if seconds else None, int(found.get(labels.LOG_BYTES) or Limits().log_bytes)
