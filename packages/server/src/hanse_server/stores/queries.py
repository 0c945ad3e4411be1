"""Which algorithm stores somebody may see, and how they are looked up."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, or_, select, true
from sqlalchemy.orm import Session

from hanse_core.permissions import Operation, Resource, Scope
from hanse_server.stores.models import AlgorithmStore, store_collaboration
from hanse_web.access import Actor

_LINKED = store_collaboration.c.store_id == AlgorithmStore.id


def visible_stores(actor: Actor) -> Select[AlgorithmStore]:
    """Select what the actor may view: the stores of its own collaborations, and those for all."""
    return select(AlgorithmStore).where(_is_visible(actor))


def _is_visible(actor: Actor) -> ColumnElement[bool]:
    if actor.has(Resource.COLLABORATION, Operation.VIEW, Scope.GLOBAL):
        return true()
    if actor.has(Resource.COLLABORATION, Operation.VIEW, Scope.ORGANIZATION):
        return usable_in(actor.collaboration_ids)
    return false()


def usable_in(collaboration_ids: Any) -> ColumnElement[bool]:
    """Restrict stores to those that at least one of these collaborations may use."""
    of_them = exists().where(_LINKED, store_collaboration.c.collaboration_id.in_(collaboration_ids))
    return or_(AlgorithmStore.is_for_all, of_them)


def collaborations_of(session: Session, store_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
    """Give the collaborations that each of these stores is coupled to."""
    columns = (store_collaboration.c.store_id, store_collaboration.c.collaboration_id)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for store_id, collaboration_id in session.execute(select(*columns).where(columns[0].in_(store_ids))):
        found[store_id].add(collaboration_id)
    return {key: frozenset(found.get(key, ())) for key in store_ids}


def url_of(session: Session, store_id: int) -> str | None:
    """Give the address of a store."""
    return session.scalar(select(AlgorithmStore.url).where(AlgorithmStore.id == store_id))


def has_store(session: Session, collaboration_id: int) -> bool:
    """Tell whether a collaboration has any store."""
    return session.scalar(select(AlgorithmStore.id).where(usable_in([collaboration_id])).limit(1)) is not None


def is_coupled(session: Session, url: str, collaboration_ids: frozenset[int] | None, *, besides: int = 0) -> bool:
    """Tell whether another record couples a store to one of these collaborations (None: to all) or to all anyway."""
    at_url = select(AlgorithmStore.id).where(AlgorithmStore.url == url, AlgorithmStore.id != besides).limit(1)
    condition = AlgorithmStore.is_for_all if collaboration_ids is None else usable_in(collaboration_ids)
    return session.scalar(at_url.where(condition)) is not None
