"""Where a task is to run: a collaboration, its members, and whom their nodes work for; in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Select, Table, and_, or_

from hanse_server.accounts.models import member
from hanse_server.collaborations.models import Collaboration, Node, NodeSetting
from hanse_server.collaborations.queries import visible_collaborations
from hanse_web.access import Actor
from hanse_web.alike import made_once, values_of
from hanse_web.listing import KEY

_node = cast(Table, Node.__table__)  # without the table of identities, of which nothing is needed here
_setting = cast(Table, NodeSetting.__table__)


class Limit(NamedTuple):
    """What the node of an organization shared of its configuration about whom it works for."""

    organization_id: int
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Venue:
    """A collaboration as a place for tasks."""

    id: int
    encrypted: bool
    members: frozenset[int]
    with_node: frozenset[int]
    """Members that have a node in this collaboration."""
    limits: Sequence[Limit]


def find_venue(source: Connection, actor: Actor, collaboration_id: int) -> Venue | None:
    """Find a collaboration that the actor may view."""
    rows = source.execute(_rows(actor), {**values_of(actor), KEY.key: collaboration_id}).all()
    if not rows:
        return None
    return Venue(
        id=rows[0].id,
        encrypted=rows[0].encrypted,
        members=frozenset(row.organization_id for row in rows if row.organization_id is not None),
        with_node=frozenset(row.organization_id for row in rows if row.node_id is not None),
        limits=[Limit(row.organization_id, row.key, row.value) for row in rows if row.key is not None],
    )


@made_once
def _rows(actor: Actor) -> Select[Any]:
    """Select a row per member, and several for one whose node shared several limits."""
    columns = (Collaboration.id, Collaboration.encrypted, member.c.organization_id, _node.c.id.label("node_id"))
    at_member = and_(
        _node.c.organization_id == member.c.organization_id, _node.c.collaboration_id == member.c.collaboration_id
    )
    is_limit = or_(_setting.c.key == "allowed_users", _setting.c.key == "allowed_orgs")
    return (
        visible_collaborations(actor)
        .where(Collaboration.id == KEY)
        .with_only_columns(*columns, _setting.c.key, _setting.c.value)
        .outerjoin(member, member.c.collaboration_id == Collaboration.id)
        .outerjoin(_node, at_member)
        .outerjoin(_setting, and_(_setting.c.node_id == _node.c.id, is_limit))
    )
