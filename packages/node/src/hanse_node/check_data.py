"""The part of `hanse node check` about data: files, databases elsewhere, and what runs are given to reach."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from hanse_node.egress.dialling import Resolver, resolve
from hanse_node.egress.given import remote
from hanse_node.egress.reach import Reach, no_networks
from hanse_node.findings import Finding, Problem
from hanse_node.log_ins import LogInRefused, NoDriver, log_in
from hanse_node.offers import DatabaseChoice
from hanse_node.runtimes.base import Links
from hanse_node.settings import Settings
from hanse_node.sources import Selection, Sources
from hanse_node.threads import in_thread

LOOK_UP_SECONDS = 15.0
NOT_REACHED = (
    "see docs/how-to/databases-elsewhere.md: host and port must be right (in a container, 127.0.0.1 is that "
    "container), the server must listen there, and the firewalls in between must let this machine through"
)


def databases(sources: Sources) -> list[Finding]:
    if troubles := sources.troubles():
        return [Finding(trouble.text, trouble.remedy, Problem.DATABASE) for trouble in troubles]
    if not sources.labels:
        return [Finding("this node has no databases", "list them under databases", Problem.DATABASE)]
    return [Finding(f"databases can be read: {', '.join(sources.labels)}")]


async def elsewhere(settings: Settings, sources: Sources) -> list[Finding]:
    """Try what runs are given to reach beyond this machine's files."""
    selected = [] if sources.troubles() else sources.select([DatabaseChoice(label) for label in sources.labels])
    names = [*settings.tunnels, *settings.docker_services, *remote(selected)]
    async with AsyncExitStack() as stack:
        reach = Reach(settings, no_networks, links=_links(settings, stack))
        stack.push_async_callback(reach.close)
        texts = await reach.troubles(selected)
    if texts:
        return [Finding(text, NOT_REACHED, Problem.DATABASE) for text in texts]
    reached = [Finding(f"reached from here: {', '.join(dict.fromkeys(names))}")] if names else []
    log_ins = await asyncio.gather(*(in_thread(_log_in, one) for one in _with_log_in(settings, selected)))
    return [*reached, *log_ins]


def _with_log_in(settings: Settings, selected: Sequence[Selection]) -> list[Selection]:
    """Give the databases at which the node itself can log in: tunnels and services are there for runs only."""
    places = remote(one for one in selected if one.kind == "sql")
    only_for_runs = {name.lower() for name in (*settings.tunnels, *settings.docker_services)}
    return [one for one in selected if one.label in places and places[one.label].host.lower() not in only_for_runs]


def _log_in(database: Selection) -> Finding:
    try:
        log_in(database.uri)
    except NoDriver as error:
        return Finding(f"the log-in at database '{database.label}' was not tried", str(error))
    except LogInRefused as error:
        text = f"database '{database.label}' can be reached, but does not let this station in: {error}"
        return Finding(text, "correct user, password and name of the database in its uri", Problem.LOG_IN)
    return Finding(f"database '{database.label}' lets this station in")


async def destinations(settings: Settings, resolver: Resolver = resolve) -> list[Finding]:
    """Look up what ways out name singly; what goes on through the proxy is looked up there."""
    names = {
        domain: way
        for way, given in settings.ways.items()
        for domain in given.domains
        if not given.through_proxy and domain[0] not in "*."
    }
    known = await asyncio.gather(*(_is_known(domain, resolver) for domain in names))
    return [
        Finding(
            f"the name {domain}, to which the way out '{way}' leads, cannot be looked up from here",
            f"correct egress.{way}.domains, mend the name service of this machine, or set through_proxy",
            Problem.DESTINATION,
        )
        for (domain, way), is_known in zip(names.items(), known, strict=True)
        if not is_known
    ]


async def _is_known(domain: str, resolver: Resolver) -> bool:
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            return bool(await resolver(domain))
    except (OSError, UnicodeError):
        return False


def _links(settings: Settings, stack: AsyncExitStack) -> Links | None:
    if not settings.docker_services or settings.runtime != "docker":
        return None
    from hanse_node.runtimes.docker.engine import Engine  # Only who has an engine pays for the import.
    from hanse_node.runtimes.docker.links import ContainerLinks

    engine = Engine(settings.docker.host)
    stack.push_async_callback(engine.close)
    return ContainerLinks(engine, settings.docker.network_namespace)
