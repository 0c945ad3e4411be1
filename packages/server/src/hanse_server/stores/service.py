"""What can be done with the records of algorithm stores; `coupling` speaks to the stores themselves."""

from typing import Any

from sqlalchemy import Select, delete, func, insert, select

from hanse_core.errors import Invalid, NotFound
from hanse_core.permissions import Resource
from hanse_core.wire.stores import StoreCreate, StorePatch
from hanse_server.collaborations.models import Collaboration
from hanse_server.collaborations.queries import visible_collaborations
from hanse_server.collaborations.rules import require_any_scope
from hanse_server.stores import rules
from hanse_server.stores.models import AlgorithmStore, store_collaboration
from hanse_server.stores.queries import collaborations_of, is_coupled, usable_in, visible_stores
from hanse_web.access import Actor
from hanse_web.query import Parameters, contains, ordered
from hanse_web.work import Work

SORTABLE = {"id": AlgorithmStore.id, "name": AlgorithmStore.name, "url": AlgorithmStore.url}


class Stores:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: Actor) -> None:
        self._session = work.session
        self._actor = actor

    def selection(self, parameters: Parameters) -> Select[Any]:
        """Select the stores that a list shows."""
        require_any_scope(self._actor, Resource.COLLABORATION)
        statement = visible_stores(self._actor).where(
            contains(AlgorithmStore.name, parameters.text("name")), contains(AlgorithmStore.url, parameters.text("url"))
        )
        collaboration_id = parameters.integer("collaboration_id")
        if collaboration_id is not None:
            self._require_collaborations(frozenset({collaboration_id}))
            statement = statement.where(usable_in([collaboration_id]))
        return ordered(statement, parameters.text("sort"), SORTABLE, AlgorithmStore.id)

    def get(self, store_id: int) -> AlgorithmStore:
        """Find one that the actor may view."""
        found = self._session.scalar(visible_stores(self._actor).where(AlgorithmStore.id == store_id))
        if found is None:
            raise NotFound(f"algorithm store {store_id} is not found")
        return found

    def admit(self, url: str, collaboration_ids: frozenset[int] | None) -> None:
        """Refuse a coupling that the actor may not make, or that there is already."""
        self._require_collaborations(collaboration_ids or frozenset())
        rules.require_couple(self._actor, collaboration_ids)
        self._require_uncoupled(url, collaboration_ids)

    def create(self, body: StoreCreate, url: str) -> AlgorithmStore:
        """Note a store that was coupled."""
        collaboration_ids = rules.wanted(body.collaboration_id)
        self.admit(url, collaboration_ids)
        made = AlgorithmStore(name=body.name, url=url, is_for_all=collaboration_ids is None)
        self._session.add(made)
        self._session.flush()
        self._link(made, collaboration_ids or frozenset())
        return made

    def patch(self, store_id: int, body: StorePatch) -> AlgorithmStore:
        """Rename a store or say anew whose it is; each collaboration that gains or loses it must be editable."""
        found = self.get(store_id)
        before = self._collaborations(found)
        if body.name is not None and body.name != found.name:
            rules.require_couple(self._actor, before)
            found.name = body.name
        if "collaboration_id" in body.model_fields_set:
            self._move(found, before, rules.wanted(body.collaboration_id))
        return found

    def _move(self, store: AlgorithmStore, before: frozenset[int] | None, after: frozenset[int] | None) -> None:
        if before == after:
            rules.require_couple(self._actor, after)
            return
        changed = None if before is None or after is None else before ^ after
        self._require_collaborations((after or frozenset()) - (before or frozenset()))
        rules.require_couple(self._actor, changed)
        self._require_uncoupled(store.url, None if after is None else after - (before or frozenset()), store.id)
        self._session.execute(delete(store_collaboration).where(store_collaboration.c.store_id == store.id))
        store.is_for_all = after is None
        self._session.flush()
        self._link(store, after or frozenset())

    def removable(self, store_id: int) -> tuple[str, bool]:
        """Refuse a removal that the actor may not make; give the address and whether no other record has it."""
        found = self.get(store_id)
        rules.require_couple(self._actor, self._collaborations(found))
        same = select(func.count()).where(AlgorithmStore.url == found.url)
        return found.url, self._session.scalar(same) == 1

    def delete(self, store_id: int) -> None:
        """Forget a store; the tasks that came from it stay."""
        self.removable(store_id)
        self._session.execute(delete(AlgorithmStore).where(AlgorithmStore.id == store_id))

    def _collaborations(self, store: AlgorithmStore) -> frozenset[int] | None:
        return None if store.is_for_all else collaborations_of(self._session, [store.id])[store.id]

    def _require_collaborations(self, ids: frozenset[int]) -> None:
        seen = visible_collaborations(self._actor).where(Collaboration.id.in_(ids))
        missing = ids - {found.id for found in self._session.scalars(seen)}
        if missing:
            raise NotFound(f"collaborations not found: {', '.join(map(str, sorted(missing)))}")

    def _require_uncoupled(self, url: str, collaboration_ids: frozenset[int] | None, store_id: int = 0) -> None:
        if collaboration_ids == frozenset():
            return
        if is_coupled(self._session, url, collaboration_ids, besides=store_id):
            whom = "all collaborations" if collaboration_ids is None else "such a collaboration, or to all of them"
            raise Invalid(f"the store {url} is coupled to {whom} already")

    def _link(self, store: AlgorithmStore, collaboration_ids: frozenset[int]) -> None:
        rows = [{"store_id": store.id, "collaboration_id": key, "url": store.url} for key in sorted(collaboration_ids)]
        if rows:
            self._session.execute(insert(store_collaboration), rows)
