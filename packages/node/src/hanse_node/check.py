"""`hanse node check`: tries everything a node needs, and says how to mend what does not work."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hanse_core.errors import HanseError
from hanse_node import check_data, places, weaknesses
from hanse_node.docker_settings import Registry
from hanse_node.egress.given import unknown
from hanse_node.errors import CannotStart, WrongKey
from hanse_node.findings import Finding, Problem
from hanse_node.main import build_docker, build_runtime
from hanse_node.policy.model import Policies
from hanse_node.policy.words import describe
from hanse_node.policy_file import read as read_policy
from hanse_node.settings import Recipe, Settings
from hanse_node.settings_file import load
from hanse_node.sources import Sources
from hanse_node.uplink.http import HttpUplink
from hanse_node.uplink.transport import HttpTransport, Route, Transport
from hanse_node.vault import Vault

if TYPE_CHECKING:
    from hanse_node.runtimes.docker import DockerRuntime

SERVER_SECONDS = 15.0
MOST_APART = 60.0
LEAST_FREE = 1_000_000_000


def run(settings: Settings, transport: Transport | None = None) -> list[Finding]:
    """Try everything, and go on after a problem."""
    return asyncio.run(findings(settings, transport))


def exit_code(found: Iterable[Finding]) -> int:
    """Give the code of the first problem; weak settings are none."""
    return next((int(finding.problem) for finding in found if not finding.ok), 0)


async def findings(settings: Settings, transport: Transport | None = None) -> list[Finding]:
    policies, about_policy = _policy(settings)
    weak = [Finding(str(one), one.remedy, weak=True) for one in weaknesses.of(settings, policies)]
    return [
        *_settings(settings),
        *_directory(settings.directory),
        *about_policy,
        *check_data.databases(Sources(settings.databases)),
        *await check_data.elsewhere(settings, Sources(settings.databases)),
        *await check_data.destinations(settings),
        *await _server(settings, transport),
        *await _engine(settings, policies),
        *weak,
    ]


def _settings(settings: Settings) -> list[Finding]:
    text = f"the configuration of node '{settings.name}' is valid"
    ignored = settings.ignored()
    remedy = f"without effect here: {', '.join(ignored)}" if ignored else ""
    return [Finding(text, remedy), *_neighbours(settings)]


def _neighbours(settings: Settings) -> list[Finding]:
    """Find nodes of this machine that would share what must be each one's own."""
    found = []
    for name, path in places.configured().items():
        try:
            other = load(path, name)
            key, same_folder = other.key(), other.directory.resolve() == settings.directory.resolve()
            same_key = key == settings.key()
        except HanseError:
            continue
        if path == settings.source or not (same_folder or same_key):
            continue
        what = "the directory" if same_folder else "the API key"
        text = f"{what} is also that of node '{name}' ({path})"
        found.append(Finding(text, "each node needs its own", Problem.SETTINGS))
    return found


def _directory(directory: Path) -> list[Finding]:
    nearest = next(folder for folder in (directory, *directory.parents) if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        text = f"the directory {directory} cannot be written"
        return [Finding(text, f"give this user {nearest}, or set directory", Problem.DIRECTORY)]
    free = shutil.disk_usage(nearest).free
    text = f"the directory {directory} can be written; {free / 1e9:.1f} GB are free"
    if free < LEAST_FREE:
        return [Finding(text, "make room: inputs, results and logs lie there", Problem.DISK)]
    return [Finding(text)]


def _policy(settings: Settings) -> tuple[Policies | None, list[Finding]]:
    try:
        policies = read_policy(settings)
    except HanseError as error:
        remedy = "; ".join(f"{key}: {' '.join(texts)}" for key, texts in error.errors.items())
        return None, [Finding(error.message, remedy, Problem.POLICY)]
    if policies is None or policies.allows_nothing:
        text = "this node has no policy, so it runs nothing"
        return policies, [Finding(text, "make one:  hanse node policy init", Problem.POLICY)]
    return policies, [*(Finding(f"policy: {rule}") for rule in describe(policies)), *_ways(settings, policies)]


def _ways(settings: Settings, policies: Policies) -> list[Finding]:
    """Find ways out that are given but do not exist: runs that would get one do not start."""
    given = dict.fromkeys(name for entry in policies.per_image for name in entry.egress or ())
    return [
        Finding(f"the policy gives a way out that is not defined: {name}", f"set egress.{name}", Problem.POLICY)
        for name in unknown(settings, given)
    ]


async def _server(settings: Settings, transport: Transport | None) -> list[Finding]:
    try:
        transport = transport or HttpTransport(Route(settings.proxy, settings.ca_file))
        uplink, vault = HttpUplink(settings, transport), Vault(settings.encryption)
    except HanseError as error:
        return [Finding(error.message, "correct the file that the message names", Problem.ENCRYPTION)]
    try:
        async with asyncio.timeout(SERVER_SECONDS):
            identity = await uplink.connect(wait=False)
            organization = await uplink.organization(identity.organization_id)
            clock = await _clock(settings, transport)
        vault.agree(identity.encrypted)
        vault.must_publish(organization.public_key)
    except WrongKey as error:
        return [Finding(error.message, "ask the server's administrator for a key of this node", Problem.API_KEY)]
    except TimeoutError:
        return [_no_answer(settings, f"no answer within {SERVER_SECONDS:.0f} s")]
    except CannotStart as error:
        return [Finding(error.message, problem=Problem.ENCRYPTION)]
    except HanseError as error:
        if error.status >= 500:
            return [_no_answer(settings, error.message)]
        return [Finding(error.message, problem=Problem.SERVER)]
    finally:
        await uplink.close()
    text = f"the server {settings.api_url} knows this node as '{identity.name}' of '{identity.organization}'"
    return [Finding(text), *clock, *_fingerprint(vault)]


def _fingerprint(vault: Vault) -> list[Finding]:
    if not vault.encrypted:
        return []
    from hanse_core.crypto import keys

    return [Finding(f"the private key fits; fingerprint of its public key: {keys.fingerprint(vault.public_key)}")]


async def _clock(settings: Settings, transport: Transport) -> list[Finding]:
    """Compare with the server's clock: tokens and times of runs go by it."""
    response = await transport.request("GET", f"{settings.api_url}/version")
    try:
        server = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, TypeError, ValueError):
        return []
    apart = abs((datetime.now(UTC) - server).total_seconds())
    if apart > MOST_APART:
        text = f"the clock of this machine is {apart:.0f} s apart from the server's"
        return [Finding(text, "synchronise it (chrony or systemd-timesyncd)", Problem.CLOCK)]
    return [Finding("the clock agrees with the server's")]


def _no_answer(settings: Settings, cause: str) -> Finding:
    remedy = "check server_url, port and api_path, and that the server runs and can be reached from here"
    if settings.proxy is not None:
        remedy += f"; the way there is the proxy {settings.proxy.url}"
    return Finding(f"the server {settings.api_url} cannot be used: {cause}", remedy, Problem.SERVER)


async def _engine(settings: Settings, policies: Policies | None) -> list[Finding]:
    if settings.runtime == "docker":
        return await _containers(settings, policies)
    try:
        runtime = build_runtime(settings, lambda: policies)
    except (HanseError, OSError) as error:
        return [Finding(f"the runtime {settings.runtime} does not work: {error}", problem=Problem.ENGINE)]
    images = [name for name, recipe in settings.images.items() if isinstance(recipe, Recipe)]
    try:
        found = [_isolation(settings), *[await _image(name, runtime.resolve(name)) for name in images]]
    finally:
        await runtime.close()
    if not images:
        found.append(Finding("no image is configured", "say under images how to run each algorithm", Problem.IMAGE))
    return found


async def _containers(settings: Settings, policies: Policies | None) -> list[Finding]:
    """Prove the isolation of runs as another node would: this one may be at work, and has its own networks."""
    from hanse_node.runtimes.docker.engine import EngineDown  # Only who has an engine pays for the import.

    with tempfile.TemporaryDirectory(prefix="h") as state:
        try:
            runtime = build_docker(settings, Path(state), lambda: policies)
            try:
                await runtime.prepare()
                under = f"OCI runtime: {_holds(runtime.kernels)}"
                registries = [await _registry(runtime, registry) for registry in settings.docker_registries]
            finally:
                await runtime.close()
        except HanseError as error:
            problem = Problem.ENGINE if isinstance(error.__cause__, EngineDown) else Problem.ISOLATION
            return [Finding(error.message, "see docs/explanation/containers.md", problem)]
    text = f"runtime: docker ({under}); a container reached the node's proxy, and nothing else that was tried"
    return [Finding(text), *registries]


async def _registry(runtime: "DockerRuntime", registry: Registry) -> Finding:
    try:
        await runtime.log_in(registry)
    except HanseError as error:
        text = f"the registry {registry.host} lets nobody in as '{registry.username}': {error.message}"
        remedy = "correct its entry under docker_registries; the engine, not this node, must reach it"
        return Finding(text, remedy, Problem.IMAGE)
    return Finding(f"the registry {registry.host} lets '{registry.username}' in")


def _holds(kernels: Mapping[str | None, str]) -> str:
    return "; ".join(f"{name or 'the default of the engine'}, with {_whose(kernels[name])}" for name in kernels)


def _whose(kernel: str) -> str:
    return "this machine's kernel" if kernel == os.uname().release else f"a kernel of its own ({kernel})"


def _isolation(settings: Settings) -> Finding:
    if settings.runtime != "process":
        return Finding(f"runtime: {settings.runtime}")
    from hanse_node.runtimes.process import Bubblewrap

    if Bubblewrap.find() is not None:
        return Finding("runtime: process; each run is isolated with bubblewrap")
    remedy = "for demos and authors only; install bubblewrap, or use the docker runtime"
    return Finding("runtime: process; algorithms run WITHOUT isolation", remedy, weak=True)


async def _image(name: str, resolving: Awaitable[str]) -> Finding:
    try:
        digest = await resolving
    except HanseError as error:
        text = f"the image {name} cannot be run: {error.message}"
        return Finding(text, f"correct images.{name}", Problem.IMAGE)
    return Finding(f"the image {name} can be run ({digest[:19]}…)")
