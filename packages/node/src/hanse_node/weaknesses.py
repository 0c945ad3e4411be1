"""Settings that work but that a careful owner would not leave so: each with what it means and how to be rid of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hanse_node import secrets
from hanse_node.policy.model import Effect, ImageTerms, Policies, Profile
from hanse_node.policy.references import is_open_ended
from hanse_node.settings import Settings

LOCAL = ("localhost", "127.0.0.1", "::1", "host.docker.internal")


@dataclass(frozen=True, slots=True)
class Weakness:
    """One weak setting."""

    key: str
    meaning: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: {self.meaning}"


def of(settings: Settings, policies: Policies | None) -> list[Weakness]:
    """Name the weak settings, those of the policy and its relaxations included; one line for each."""
    return [*_of_settings(settings), *(_of_policies(policies) if policies else ())]


def _of_settings(settings: Settings) -> Iterator[Weakness]:
    if settings.share_algorithm_logs:
        meaning = "whatever an algorithm prints goes to the server, also rows in a traceback"
        yield Weakness("share_algorithm_logs", meaning, "set it to false; share_logs of per_image is for single images")
    if settings.api_key is not None:
        meaning = "the key of this node lies in the configuration"
        yield Weakness("api_key", meaning, "put it into a file of its own and name that as api_key_file")
    address = urlsplit(settings.server_url)
    if address.scheme == "http" and address.hostname not in LOCAL:
        yield Weakness("server_url", "all that passes to and from the server can be read on the way", "use https")
    yield from _of_files(settings)
    for database in settings.databases:
        told = tuple(name for name, value in database.env.items() if secrets.without(value))
        yield from _of_database(database.label, secrets.without(database.uri), told, database.mount_mode)
    yield from _of_docker(settings)
    yield from _of_ways(settings)


def _of_files(settings: Settings) -> Iterator[Weakness]:
    """Look at who else on this machine may read the key, or change what is allowed."""
    secret = settings.api_key_file or settings.source
    if secret is not None and _rights(secret) & 0o044:
        yield Weakness(str(secret), "others on this machine can read the API key", f"chmod go-rwx {secret}")
    for key in (tunnel.ssh.identity.key for tunnel in settings.ssh_tunnels):
        if _rights(key) & 0o077:
            yield Weakness(str(key), "others on this machine can use the key of a tunnel", f"chmod go-rwx {key}")
    for path in filter(None, (settings.source, settings.policies_file)):
        if _rights(path) & 0o022:
            yield Weakness(str(path), "others on this machine can change what may run here", f"chmod go-w {path}")


def _rights(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _of_ways(settings: Settings) -> Iterator[Weakness]:
    if settings.whitelist is not None:
        meaning = "a way out of a stock file; policy gives it under the name 'whitelist'"
        yield Weakness(
            "whitelist", meaning, "write it under egress with a name of its own, for the images that need it"
        )
    for name, way in settings.ways.items():
        wide = [str(network) for network in way.addresses if network.prefixlen < (8 if network.version == 4 else 32)]
        if wide:
            yield Weakness(f"egress.{name}.addresses", f"{', '.join(wide)} is almost everything", "list what is needed")
    for database in settings.databases:
        if database.egress:
            meaning = f"whatever selects it reaches {', '.join(database.egress)}"
            yield Weakness(f"databases.{database.label}.egress", meaning, "give it to images by per_image instead")


def _of_docker(settings: Settings) -> Iterator[Weakness]:
    if settings.docker.profile == "v4":
        meaning = "every image has user 0 and a writable file system"
        yield Weakness("docker.profile", meaning, "set strict, and v4 for the images that need it")
    for pattern, rules in settings.docker.images.items():
        relaxed = ["user 0 and a writable file system"] if rules.profile == "v4" else []
        relaxed += list(rules.capabilities)
        if rules.oci_runtime and settings.docker.oci_runtime not in (None, rules.oci_runtime):
            relaxed.append(f"not under {settings.docker.oci_runtime} but {rules.oci_runtime}")
        if relaxed:
            yield Weakness(f"docker.images.{pattern}", ", ".join(relaxed), "remove it if the image works without")


def _of_database(label: str, uri: str, env: tuple[str, ...], mount_mode: str) -> Iterator[Weakness]:
    if "://" in uri and urlsplit(uri).password:
        yield Weakness(f"databases.{label}.uri", "a password lies in the configuration", "write ${file:PATH}")
    secret = [name for name in env if any(word in name.upper() for word in ("PASSWORD", "SECRET", "TOKEN", "KEY"))]
    if secret:
        meaning = f"{', '.join(secret)} lies in the configuration"
        yield Weakness(f"databases.{label}.env", meaning, "write ${file:PATH}")
    if mount_mode == "copy":
        meaning = "has no effect: databases are read-only here, whatever this says"
        yield Weakness(f"databases.{label}.mount_mode", meaning, "set ro, or writable_databases of per_image")


def _accepted() -> Weakness:
    meaning = "every algorithm of every user runs here, unless a list says otherwise"
    return Weakness("accept_v4_defaults", meaning, "remove it and say what may run:  hanse node policy init")


def _of_policies(policies: Policies) -> Iterator[Weakness]:
    if policies.accept_v4_defaults:
        yield _accepted()
    yield from _of_lists(policies)
    for rule in policies.rules:
        if rule.then is not Effect.DENY and rule.images is None and policies.allowed_algorithms is None:
            yield Weakness("policies.rules", f"the rule '{rule.name}' allows every image", "give it images")
    for entry in policies.per_image:
        yield from _relaxations(entry)


def _of_lists(policies: Policies) -> Iterator[Weakness]:
    for key in ("allowed_algorithms", "allowed_algorithm_stores"):
        for entry in filter(is_open_ended, getattr(policies, key) or ()):
            meaning = f"{entry!r} also covers whatever merely begins like it"
            yield Weakness(f"policies.{key}", meaning, "close it with $, or name it in full")
    if policies.allow_basics_algorithm:
        meaning = "the image of the v4 web interface runs here without being on a list, by a tag that can change"
        yield Weakness("policies.allow_basics_algorithm", meaning, "list the image by digest")
    if not policies.require_algorithm_pull:
        meaning = "an image that only exists here, or is older than its registry's, may run"
        yield Weakness("policies.require_algorithm_pull", meaning, "remove it, and list images by digest")


def _relaxations(entry: ImageTerms) -> Iterator[Weakness]:
    copies, ways = ", ".join(entry.writable_databases), ", ".join(entry.egress or ())
    relaxed = {
        "profile": "user 0 and a writable file system" if entry.profile is Profile.V4 else "",
        "writable_databases": copies and f"a copy of {copies} that it may change",
        "capabilities": ", ".join(entry.capabilities),
        "egress": ways and f"reaches {ways}",
        "share_logs": "what it prints goes to the server" if entry.share_logs else "",
    }
    for key, meaning in relaxed.items():
        if meaning:
            images = ", ".join(entry.images)
            yield Weakness(f"policies.per_image.{key}", f"{images}: {meaning}", "remove it if the image works without")
