"""Collaborations, studies and nodes as they are written to the wire; many at once, in few statements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Select, Table, select
from sqlalchemy.orm import Session

from hanse_core.wire import accounts as accounts_wire
from hanse_core.wire import collaborations as wire
from hanse_server.accounts.items import organization_items
from hanse_server.accounts.models import Organization, member, study_member
from hanse_server.collaborations.models import Collaboration, Node, NodeSetting, Study
from hanse_web.db import wire_time
from hanse_web.links import Links

OFFLINE = "offline"


def collaboration_items(
    session: Session, links: Links, rows: Sequence[Collaboration], *, organizations: Select[Organization] | None = None
) -> list[wire.Collaboration]:
    """Write collaborations, with those of their members nested that are selected by `organizations`."""
    nested: Mapping[int, list[accounts_wire.Organization]] = {}
    if organizations is not None:
        nested = _members(session, links, member, "collaboration_id", [row.id for row in rows], organizations)
    return [
        wire.Collaboration(
            id=row.id,
            name=row.name,
            encrypted=row.encrypted,
            keep_inputs_days=row.keep_inputs_days,
            keep_results_days=row.keep_results_days,
            keep_logs_days=row.keep_logs_days,
            keep_blobs_days=row.keep_blobs_days,
            organizations=nested.get(row.id, [])
            if organizations is not None
            else links.many("organization", collaboration_id=row.id),
            nodes=links.many("node", collaboration_id=row.id),
            tasks=links.many("task", collaboration_id=row.id),
            algorithm_stores=links.many("algorithmstore", collaboration_id=row.id),
            studies=links.many("study", collaboration_id=row.id),
        )
        for row in rows
    ]


def study_items(
    session: Session, links: Links, rows: Sequence[Study], *, organizations: Select[Organization] | None = None
) -> list[wire.Study]:
    """Write studies, with those of their members nested that are selected by `organizations`."""
    nested: Mapping[int, list[accounts_wire.Organization]] = {}
    if organizations is not None:
        nested = _members(session, links, study_member, "study_id", [row.id for row in rows], organizations)
    return [
        wire.Study(
            id=row.id,
            name=row.name,
            collaboration=links.one("collaboration", row.collaboration_id),
            organizations=nested.get(row.id, [])
            if organizations is not None
            else links.many("organization", study_id=row.id),
            tasks=links.many("task", study_id=row.id),
        )
        for row in rows
    ]


def node_items(session: Session, links: Links, rows: Sequence[Node]) -> list[wire.Node]:
    """Write nodes with what they share of their configuration."""
    settings = _settings(session, [row.id for row in rows])
    return [
        wire.Node(
            id=row.id,
            name=row.name,
            status=row.status or OFFLINE,
            ip=row.ip,
            last_seen=wire_time(row.last_seen),
            organization=links.one("organization", row.organization_id),
            collaboration=links.maybe("collaboration", row.collaboration_id),
            config=settings.get(row.id, []),
        )
        for row in rows
    ]


def member_node_items(links: Links, rows: Iterable[Node]) -> list[dict[str, object]]:
    """Write nodes in the short form of the membership sub-resource."""
    return [
        {
            "id": row.id,
            "name": row.name,
            "status": row.status or OFFLINE,
            "ip": row.ip,
            "last_seen": wire_time(row.last_seen),
            "organization": links.one("organization", row.organization_id).model_dump(),
        }
        for row in rows
    ]


def _settings(session: Session, node_ids: Sequence[int]) -> Mapping[int, list[wire.NodeSetting]]:
    found: defaultdict[int, list[wire.NodeSetting]] = defaultdict(list)
    columns = (NodeSetting.node_id, NodeSetting.key, NodeSetting.value)
    statement = select(*columns).where(NodeSetting.node_id.in_(node_ids)).order_by(NodeSetting.id)
    for node_id, key, value in session.execute(statement):
        found[node_id].append(wire.NodeSetting(key=key, value=value))
    return found


def _members(
    session: Session, links: Links, memberships: Table, owner: str, owner_ids: Sequence[int], seen: Select[Organization]
) -> Mapping[int, list[accounts_wire.Organization]]:
    owner_column = memberships.c[owner]
    statement = (
        select(owner_column, Organization)
        .join(Organization, Organization.id == memberships.c.organization_id)
        .where(owner_column.in_(owner_ids), Organization.id.in_(seen.with_only_columns(Organization.id)))
        .order_by(Organization.id)
    )
    rows = session.execute(statement).all()
    items = organization_items(links, [row[1] for row in rows])
    found: defaultdict[int, list[accounts_wire.Organization]] = defaultdict(list)
    for row, item in zip(rows, items, strict=True):
        found[row[0]].append(item)
    return found
