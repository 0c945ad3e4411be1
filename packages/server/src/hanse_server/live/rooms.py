"""Who hears what: the rooms of an identity, and the lines that are told when it enters or leaves one."""

from collections.abc import Iterable

from hanse_core.events import collaboration_room, organization_room
from hanse_core.permissions import Operation, Resource, Scope
from hanse_web.access import Actor, NodeActor, UserActor


def rooms_of(actor: Actor, all_collaborations: Iterable[int]) -> list[str]:
    """List the rooms of a node or user; of a user's scopes to receive events only the widest counts."""
    if isinstance(actor, NodeActor):
        own = actor.collaboration_id
        return [collaboration_room(own), organization_room(own, actor.organization_id)]
    if not isinstance(actor, UserActor):
        return []
    widest = actor.permissions.widest(Resource.EVENT, Operation.RECEIVE)
    if widest is Scope.GLOBAL:
        return [collaboration_room(key) for key in sorted(all_collaborations)]
    if widest is Scope.COLLABORATION:
        return [collaboration_room(key) for key in sorted(actor.collaboration_ids)]
    if widest is Scope.ORGANIZATION:
        return [organization_room(key, actor.organization_id) for key in sorted(actor.collaboration_ids)]
    return []


def joined(actor: Actor, room: str) -> str:
    """Say that somebody entered a room."""
    kind = "Node" if isinstance(actor, NodeActor) else "User"
    return f"{kind} <{actor.name}> joined room <{room}>"


def left(actor: Actor, room: str) -> str:
    """Say that somebody left a room."""
    return f"{actor.name} left room {room}"
