"""`hanse node check`: tries everything a node needs, and says how to mend what does not work."""

import asyncio
import os
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

from hanse_core.errors import HanseError
from hanse_node.errors import WrongKey
from hanse_node.main import build_runtime
from hanse_node.policy.words import describe
from hanse_node.policy_file import read as read_policy
from hanse_node.settings import Recipe, Settings
from hanse_node.sources import Sources
from hanse_node.uplink.http import HttpUplink
from hanse_node.uplink.transport import Transport
from hanse_node.vault import Vault

SERVER_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    ok: bool
    text: str
    remedy: str = ""


def run(settings: Settings, transport: Transport | None = None) -> list[Finding]:
    """Try everything, and go on after a problem."""
    return asyncio.run(findings(settings, transport))


async def findings(settings: Settings, transport: Transport | None = None) -> list[Finding]:
    return [
        *_settings(settings),
        _directory(settings.directory),
        *_policy(settings),
        *_databases(Sources(settings.databases)),
        *await _server(settings, transport),
        *await _engine(settings),
    ]


def _settings(settings: Settings) -> list[Finding]:
    text = f"the configuration of node '{settings.name}' is valid"
    ignored = settings.ignored()
    remedy = f"without effect here: {', '.join(ignored)}" if ignored else ""
    return [Finding(True, text, remedy)]


def _directory(directory: Path) -> Finding:
    nearest = next(folder for folder in (directory, *directory.parents) if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding(True, f"the directory {directory} can be written")
    return Finding(False, f"the directory {directory} cannot be written", f"give this user {nearest}, or set directory")


def _policy(settings: Settings) -> list[Finding]:
    try:
        policies = read_policy(settings)
    except HanseError as error:
        return [Finding(False, error.message, "; ".join(f"{k}: {' '.join(t)}" for k, t in error.errors.items()))]
    if policies is None or policies.allows_nothing:
        return [Finding(False, "this node has no policy, so it runs nothing", "make one:  hanse node policy init")]
    return [Finding(True, f"policy: {rule}") for rule in describe(policies)]


def _databases(sources: Sources) -> list[Finding]:
    problems = sources.problems()
    if problems:
        return [Finding(False, problem, "correct uri, or the rights of the file") for problem in problems]
    if not sources.labels:
        return [Finding(False, "this node has no databases", "list them under databases")]
    return [Finding(True, f"databases can be read: {', '.join(sources.labels)}")]


async def _server(settings: Settings, transport: Transport | None) -> list[Finding]:
    try:
        uplink, vault = HttpUplink(settings, transport), Vault(settings.encryption)
    except HanseError as error:
        return [Finding(False, error.message, "correct the file that the message names")]
    try:
        async with asyncio.timeout(SERVER_SECONDS):
            identity = await uplink.connect(wait=False)
        vault.agree(identity.encrypted)
        vault.must_publish((await uplink.organization(identity.organization_id)).public_key)
    except WrongKey as error:
        return [Finding(False, error.message, "ask the server's administrator for a key of this node")]
    except TimeoutError:
        return [_no_answer(settings, f"no answer within {SERVER_SECONDS:.0f} s")]
    except HanseError as error:
        if error.status >= 500:
            return [_no_answer(settings, error.message)]
        return [Finding(False, error.message)]
    finally:
        await uplink.close()
    text = f"the server {settings.api_url} knows this node as '{identity.name}' of '{identity.organization}'"
    return [Finding(True, text)]


def _no_answer(settings: Settings, cause: str) -> Finding:
    remedy = "check server_url, port and api_path, and that the server runs and can be reached from here"
    return Finding(False, f"the server {settings.api_url} cannot be used: {cause}", remedy)


async def _engine(settings: Settings) -> list[Finding]:
    try:
        runtime = build_runtime(settings)
    except (HanseError, OSError) as error:
        return [Finding(False, f"the runtime {settings.runtime} does not work: {error}")]
    images = [name for name, recipe in settings.images.items() if isinstance(recipe, Recipe)]
    try:
        found = [_isolation(settings), *[await _image(name, runtime.resolve(name)) for name in images]]
    finally:
        await runtime.close()
    if not images:
        found.append(Finding(False, "no image is configured", "say under images how to run each algorithm"))
    return found


def _isolation(settings: Settings) -> Finding:
    if settings.runtime != "process":
        return Finding(True, f"runtime: {settings.runtime}")
    from hanse_node.runtimes.process import Bubblewrap

    if Bubblewrap.find() is not None:
        return Finding(True, "runtime: process; each run is isolated with bubblewrap")
    remedy = "algorithms run WITHOUT isolation: for demos and authors only; install bubblewrap for more"
    return Finding(True, "runtime: process", remedy)


async def _image(name: str, resolving: Awaitable[str]) -> Finding:
    try:
        digest = await resolving
    except HanseError as error:
        return Finding(False, f"the image {name} cannot be run: {error.message}", f"correct images.{name}")
    return Finding(True, f"the image {name} can be run ({digest[:19]}…)")
