"""Who is online, and what nodes share of their configuration while they are."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from hanse_core import events
from hanse_server.accounts.models import Identity
from hanse_server.collaborations.models import Node, NodeSetting
from hanse_web.access import Actor, NodeActor
from hanse_web.texts import storable
from hanse_web.work import Work

ONLINE, OFFLINE = "online", "offline"
SILENCE = timedelta(seconds=90)
"""After this long without a sign of life a node that has no socket here counts as offline."""
SETTINGS_LIMIT = 5_000
VALUE_LIMIT = 2_000


def come_online(work: Work, actor: Actor) -> None:
    """Note that an identity has a socket."""
    _set_status(work, [actor.id], ONLINE)


def go_offline(work: Work, actor: Actor) -> None:
    """Note that the last socket of an identity is gone; what a node shared is forgotten."""
    _set_status(work, [actor.id], OFFLINE)
    work.session.execute(delete(NodeSetting).where(NodeSetting.node_id == actor.id))


def silent_nodes(work: Work, connected: Collection[int]) -> Sequence[Any]:
    """Find nodes that claim to be online, but have no socket here and gave no sign of life for a while."""
    silent = or_(Node.last_seen.is_(None), Node.last_seen < work.clock.now() - SILENCE)
    columns = (Node.id, Node.name, Node.organization_id, Node.collaboration_id)
    return work.session.execute(select(*columns).where(Node.status == ONLINE, silent, Node.id.not_in(connected))).all()


def retire_silent(work: Work, connected: Collection[int]) -> int:
    """Mark silent nodes offline, and say so; gives how many."""
    gone = silent_nodes(work, connected)
    ids = [row.id for row in gone]
    _set_status(work, ids, OFFLINE)
    work.session.execute(delete(NodeSetting).where(NodeSetting.node_id.in_(ids)))
    for row in gone:
        if row.collaboration_id is not None:
            rooms = presence_rooms(row.collaboration_id, row.organization_id)
            work.tell(events.NODE_OFFLINE, node_data(row.id, row.name, row.organization_id), *rooms)
    return len(ids)


def share_settings(work: Work, node: NodeActor, data: Mapping[str, Any]) -> None:
    """Replace what a node shares of its configuration."""
    rows = [{"node_id": node.id, "key": key, "value": value} for key, value in flattened(data)][:SETTINGS_LIMIT]
    work.session.execute(delete(NodeSetting).where(NodeSetting.node_id == node.id))
    if rows:
        work.session.execute(insert(NodeSetting), rows)


def flattened(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give flat pairs of texts: lists become several pairs, an object's keys take the place of its own."""
    for key, value in data.items():
        inner = value if isinstance(value, Mapping) else {key: value}
        for name, content in inner.items():
            for element in content if isinstance(content, list) else [content]:
                text = element if isinstance(element, str) else json.dumps(element)
                yield storable(str(name)[:VALUE_LIMIT]), storable(text[:VALUE_LIMIT])


def _set_status(work: Work, ids: Collection[int], status: str) -> None:
    statement = update(Identity).where(Identity.id.in_(ids)).values(status=status)
    work.session.execute(statement.execution_options(synchronize_session=False))


def presence_rooms(collaboration_id: int, organization_id: int) -> list[str]:
    """List the rooms that hear when a node comes or goes."""
    return [
        events.collaboration_room(collaboration_id),
        events.organization_room(collaboration_id, organization_id),
    ]


def node_data(node_id: int, name: str, organization_id: int) -> dict[str, Any]:
    """Say which node came or went."""
    return {"id": node_id, "name": name, "org_id": organization_id}
