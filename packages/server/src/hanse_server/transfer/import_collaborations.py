"""Collaborations, their members, nodes and studies."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, func, insert, select

from hanse_server.accounts.models import Identity, V4Secret, member, study_member
from hanse_server.collaborations.models import Collaboration, Node, NodeSetting, Study
from hanse_server.transfer import v4
from hanse_server.transfer.carrying import Import, is_bcrypt, table
from hanse_server.transfer.rows import Row, copy

NO_KEY = "!"
"""In place of a hash: no key fits."""


def collaborations(work: Import) -> None:
    """Carry the collaborations with their members."""

    def convert(row: Row) -> Mapping[str, Any]:
        encrypted = True if row.encrypted is None else row.encrypted
        return {"id": row.id, "name": row.name or f"collaboration {row.id}", "encrypted": encrypted}

    statement = select(v4.collaboration).order_by(v4.collaboration.c.id)
    work.report.count("collaborations", copy(work.source, statement, work.target, table(Collaboration), convert))
    _members(work, v4.member, member, "collaboration_id", table(Collaboration))


def studies(work: Import) -> None:
    """Carry the studies with their members."""

    def convert(row: Row) -> Mapping[str, Any]:
        return {"id": row.id, "name": row.name or f"study {row.id}", "collaboration_id": row.collaboration_id}

    statement = select(v4.study).join(v4.collaboration, v4.collaboration.c.id == v4.study.c.collaboration_id)
    work.report.count(
        "studies", copy(work.source, statement.order_by(v4.study.c.id), work.target, table(Study), convert)
    )
    _members(work, v4.study_member, study_member, "study_id", table(Study))
    kept = set(work.target.execute(select(table(Study).c.id)).scalars())
    lost = [row.name for row in work.source.execute(select(v4.study)) if row.id not in kept]
    work.report.note("these studies belong to no collaboration any more and were left out", lost)


def _members(work: Import, former: Table, into: Table, key: str, groups: Table) -> None:
    """Carry memberships once each; v4 may hold the same one twice."""
    known = set(work.target.execute(select(groups.c.id)).scalars())
    places = set(work.source.execute(select(v4.organization.c.id)).scalars())
    pairs = {
        (row._mapping[key], row.organization_id)
        for row in work.source.execute(select(former))
        if row._mapping[key] in known and row.organization_id in places
    }
    if pairs:
        rows = [{key: group, "organization_id": place} for group, place in sorted(pairs)]
        work.target.execute(insert(into), rows)


def nodes(work: Import) -> None:
    """Carry the nodes; nobody is connected to us yet, so all are offline."""
    placed = _placed()
    identities = select(v4.identity).join(placed, placed.c.id == v4.identity.c.id).order_by(v4.identity.c.id)
    copy(work.source, identities, work.target, table(Identity), _identity)
    doubles: list[str] = []

    def convert(row: Row) -> Mapping[str, Any]:
        is_double = row.collaboration_id is not None and row.place > 1
        if is_double:
            doubles.append(row.name or f"node-{row.id}")
        return {
            "id": row.id,
            "name": row.name or f"node-{row.id}",
            "organization_id": row.organization_id,
            "collaboration_id": None if is_double else row.collaboration_id,
            "api_key_bcrypt": row.api_key or NO_KEY,
        }

    statement = select(placed).order_by(placed.c.id)
    work.report.count("nodes", copy(work.source, statement, work.target, table(Node), convert))
    if work.keeps_way_back:
        copy(work.source, statement, work.target, table(V4Secret), _secret)
    settings = select(v4.node_config).join(placed, placed.c.id == v4.node_config.c.node_id)
    copy(work.source, settings.order_by(v4.node_config.c.id), work.target, table(NodeSetting), _setting)
    work.report.note(
        "of several nodes of one organization in one collaboration only the one seen last can log in; "
        "these were taken out of their collaboration",
        doubles,
    )
    known = select(placed.c.id)
    lost = select(v4.node.c.name).where(v4.node.c.id.not_in(known)).order_by(v4.node.c.id)
    work.report.note(
        "these nodes belong to no organization any more and were left out", work.source.execute(lost).scalars().all()
    )


def _placed() -> Any:
    """Select the nodes with an organization; `place` numbers those of one collaboration, the one seen last first."""
    collaboration_id = v4.collaboration.c.id
    shared = func.row_number().over(
        partition_by=(v4.node.c.organization_id, collaboration_id),
        order_by=(v4.identity.c.last_seen.is_not(None).desc(), v4.identity.c.last_seen.desc(), v4.node.c.id.desc()),
    )
    return (
        select(
            v4.node.c.id,
            v4.node.c.name,
            v4.node.c.api_key,
            v4.node.c.organization_id,
            collaboration_id.label("collaboration_id"),
            shared.label("place"),
        )
        .join(v4.identity, v4.identity.c.id == v4.node.c.id)
        .join(v4.organization, v4.organization.c.id == v4.node.c.organization_id)
        .outerjoin(v4.collaboration, v4.collaboration.c.id == v4.node.c.collaboration_id)
        .subquery("placed")
    )


def _identity(row: Row) -> Mapping[str, Any]:
    return {"id": row.id, "type": "node", "ip": row.ip, "status": "offline", "last_seen": row.last_seen}


def _secret(row: Row) -> Mapping[str, Any] | None:
    return {"identity_id": row.id, "hash": row.api_key} if is_bcrypt(row.api_key) else None


def _setting(row: Row) -> Mapping[str, Any]:
    return {"node_id": row.node_id, "key": row.key or "", "value": row.value or ""}
