"""Builds the objects of one node and lets it work until it is asked to stop."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from hanse_core.errors import HanseError
from hanse_node import membership, memory, weaknesses
from hanse_node.agent import Agent
from hanse_node.backoff import patiently
from hanse_node.control import Control
from hanse_node.egress.ways import WaysOut
from hanse_node.errors import CannotStart
from hanse_node.gate import Gate
from hanse_node.journal import Journal
from hanse_node.log_file import LogFile
from hanse_node.pins import Pins
from hanse_node.policy.model import Policies
from hanse_node.policy.words import describe
from hanse_node.policy_file import Rulebook
from hanse_node.proxy import tokens
from hanse_node.proxy.sockets import Proxy
from hanse_node.runtimes.base import Runtime
from hanse_node.settings import Recipe, Settings
from hanse_node.sources import Sources
from hanse_node.station import Station
from hanse_node.uplink.base import Uplink
from hanse_node.uplink.http import HttpUplink
from hanse_node.vault import Vault
from hanse_node.workspace import Workspace

if TYPE_CHECKING:
    from hanse_node.runtimes.docker import DockerRuntime

log = structlog.get_logger()


def run(settings: Settings) -> int:
    """Be a node; give the exit code of the process."""
    configure_logs(settings.logging.level, settings.directory / "node.log")
    try:
        asyncio.run(_until_stopped(settings))
    except HanseError as error:
        log.critical("node_stopped", cause=error.message)
        print(f"hanse node: {error.message}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def serve(
    settings: Settings,
    uplink: Uplink | None = None,
    runtime: Runtime | None = None,
    stop: Callable[[], None] = lambda: None,
) -> None:
    """Work until cancelled; runs go on and are taken up at the next start."""
    async with opened(settings, uplink, runtime, stop) as station:
        memory.when_started()
        agent = Agent(station)
        station.control.attach(agent)
        await agent.run()


@asynccontextmanager
async def opened(
    settings: Settings,
    uplink: Uplink | None = None,
    runtime: Runtime | None = None,
    stop: Callable[[], None] = lambda: None,
) -> AsyncIterator[Station]:
    """Build the station, and let go of everything in the end. What cannot work is found before the server is asked."""
    async with AsyncExitStack() as stack:
        workspace = Workspace(settings.directory)
        workspace.lock()
        stack.callback(workspace.unlock)
        about = {"node": settings.name, "server": settings.api_url, "runtime": settings.runtime}
        control = await stack.enter_async_context(Control(workspace.control, about, stop))
        journal = stack.enter_context(Journal(workspace.journal))
        secret = tokens.load_secret(workspace.secret)
        vault, sources = Vault(settings.encryption, workspace.known_keys), Sources(settings.databases)
        rulebook = Rulebook(settings)
        runtime = runtime or build_runtime(settings, lambda: rulebook.edition.policies)
        stack.push_async_callback(runtime.close)
        if settings.on_stop == "end":
            stack.push_async_callback(_end_runs, runtime)
        uplink = uplink or HttpUplink(settings)
        stack.push_async_callback(uplink.close)
        _say_what_matters(settings, sources, rulebook)
        await runtime.prepare()
        identity = await uplink.connect()
        log.info("node_connected", node=identity.name, node_id=identity.node_id, organization=identity.organization)
        membership.require_same(workspace.membership, identity)
        vault.agree(identity.encrypted)
        await _publish_key(vault, uplink)
        vault.joined(identity.organization_id)
        proxy = Proxy(uplink, vault, identity.collaboration_id, secret, uplink.bell.task_news)
        stack.push_async_callback(proxy.close_all)
        ways = WaysOut(settings, runtime.networks, links=runtime.links)
        stack.push_async_callback(ways.close_all)
        parallel, pins = settings.limits.parallel_runs, Pins(journal, runtime.resolve)
        yield Station(
            settings, uplink, runtime, journal, workspace, vault, sources, proxy, ways,
            Gate(rulebook, uplink, pins), control, pins, secret,
            starts=asyncio.Semaphore(parallel), slots=asyncio.Semaphore(parallel),
        )  # fmt: skip


async def _publish_key(vault: Vault, uplink: Uplink) -> None:
    organization_id = uplink.identity.organization_id
    if not vault.encrypted:
        return
    organization = await patiently(lambda: uplink.organization(organization_id))
    if vault.must_publish(organization.public_key):
        await patiently(lambda: uplink.publish_key(vault.public_key))
        log.warning("public_key_published", organization=organization.name)


async def _end_runs(runtime: Runtime) -> None:
    references = (await runtime.adopt()).values()
    await asyncio.gather(*(runtime.stop(reference) for reference in references))


def build_runtime(settings: Settings, policies: Callable[[], Policies | None]) -> Runtime:
    """Make the engine that the settings name; it asks for the policy in force when it needs that."""
    if settings.runtime == "memory":
        from hanse_node.runtimes.memory import MemoryRuntime

        return MemoryRuntime({})
    if settings.runtime == "docker":
        return build_docker(settings, settings.directory / "engine", policies)
    from hanse_node.runtimes.process import Bubblewrap, ProcessImage, ProcessRuntime

    images = {
        name: ProcessImage(**recipe.model_dump(exclude_none=True))
        for name, recipe in settings.images.items()
        if isinstance(recipe, Recipe)
    }
    return ProcessRuntime(images, settings.directory / "engine", Bubblewrap.find())


def build_docker(settings: Settings, state: Path, policies: Callable[[], Policies | None]) -> "DockerRuntime":
    """Speak to the engine as the node whose number is in this folder; each folder is a node of its own to it."""
    from hanse_node.runtimes.docker import DockerRuntime

    return DockerRuntime(
        settings.name,
        settings.docker,
        state,
        registries=settings.docker_registries,
        registry_decides=lambda: (policies() or Policies()).require_algorithm_pull,
        spare=settings.limits.parallel_runs,
        gpu=settings.algorithm_device_requests.gpu,
        outside=[settings.server_address],
        runs=settings.directory,
    )


def configure_logs(level: str, path: Path | None = None) -> None:
    """Write one line per event to standard error, and to a file that `hanse node logs` shows.

    Other libraries only speak up from warnings on.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    target: Any = sys.stderr if path is None else LogFile(path, sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )


def _say_what_matters(settings: Settings, sources: Sources, rulebook: Rulebook) -> None:
    if problem := rulebook.edition.problem:
        raise CannotStart(f"{problem}. Mend it and start again; runs that are open wait until then")
    for line in describe(rulebook.edition.policies):
        log.info("policy", rule=line)
    for weakness in weaknesses.of(settings, rulebook.edition.policies):
        log.warning("weak_setting", key=weakness.key, meaning=weakness.meaning, remedy=weakness.remedy)
    for trouble in sources.troubles():
        log.warning("database_unreadable", cause=trouble.text, remedy=trouble.remedy)
    if ignored := settings.ignored():
        log.warning("settings_without_effect", keys=",".join(ignored))


async def _until_stopped(settings: Settings) -> None:
    """Stop cleanly on SIGTERM and SIGINT, also while the server is still being waited for."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    working = asyncio.ensure_future(serve(settings, stop=stopped.set))
    stopping = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stopped.is_set():
        log.info("node_stopping")
        working.cancel()
        await asyncio.wait({working})
    stopping.cancel()
    if not working.cancelled():
        working.result()
