"""What a run is given to reach: decided from settings, policy and the databases that it selected, without asking."""

from collections.abc import Iterable

from hanse_node import connections, secrets
from hanse_node.egress.rules import Destination
from hanse_node.egress_settings import STOCK
from hanse_node.policy.decision import Terms
from hanse_node.settings import Settings
from hanse_node.sources import Selection

PROXY_HOST = "proxyserver"
"""The node, as every run calls it."""


def given(settings: Settings, terms: Terms, labels: Iterable[str]) -> list[str]:
    """Name the ways out of a run: those of its image, and those of the databases that it selected."""
    selected = set(labels)
    names = list(terms.egress)
    if terms.stock_egress:
        names += [name for name in settings.ways if name == STOCK]
        names += [*settings.tunnels, *settings.docker_services]
    names += [name for database in settings.databases if database.label in selected for name in database.egress]
    return list(dict.fromkeys(names))


def unknown(settings: Settings, names: Iterable[str]) -> list[str]:
    """Name the ways out that a policy gives but the settings do not define."""
    return [name for name in names if name not in settings.given_names]


def described(settings: Settings, names: Iterable[str]) -> list[str]:
    """Say of each of these ways out what it is."""
    through = {**settings.tunnels, **settings.docker_services}
    missing = unknown(settings, names)
    return [
        f"{name} ({through[name]})" if name in through
        else f"{name} (not defined in the settings)" if name in missing
        else name
        for name in names
    ]  # fmt: skip


def elsewhere(settings: Settings, labels: Iterable[str]) -> dict[str, str]:
    """Say, by label, where those of these databases are that a run reaches over the network."""
    selected = set(labels)
    found = {
        database.label: connections.place(secrets.without(database.uri))
        for database in settings.databases
        if database.label in selected and not database.is_path
    }
    places = {label: Destination(*place) for label, place in found.items() if place}
    through = {**settings.tunnels, **settings.docker_services}
    return {
        label: f"{place}, which is {through[name]}" if (name := place.host) in through else str(place)
        for label, place in places.items()
    }


def remote(selected: Iterable[Selection]) -> dict[str, Destination]:
    """Give, by label, where those of the databases are that are reached over the network."""
    found = {one.label: connections.place(one.uri) for one in selected if not one.is_path}
    return {label: Destination(*place) for label, place in found.items() if place}


def can_be_named(destination: Destination) -> bool:
    """Tell whether a run can know a host by its own name: addresses have none, and some names mean the run itself."""
    return destination.address is None and destination.host.lower().rstrip(".") not in (PROXY_HOST, "localhost")
