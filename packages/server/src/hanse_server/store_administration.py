"""What an operator does about algorithm stores: in the database, and at the stores themselves."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from anyio import to_thread
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.errors import Conflict, Invalid, NotFound
from hanse_core.wire.stores import StoreCreate
from hanse_server import migrations
from hanse_server.accounts.actors import user_actor
from hanse_server.accounts.models import User
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.signing import signing_secret
from hanse_server.settings import Settings
from hanse_server.stores import rules
from hanse_server.stores.calls import StoreCalls, store_calls
from hanse_server.stores.coupling import Couplings
from hanse_server.stores.models import AlgorithmStore
from hanse_server.stores.queries import collaborations_of
from hanse_web.access import UserActor
from hanse_web.auth import Tokens
from hanse_web.clock import Clock, SystemClock
from hanse_web.db import make_engine, sqlite_file
from hanse_web.links import Links
from hanse_web.outbound import Outbound
from hanse_web.outbox import Dispatcher, MemoryBus
from hanse_web.work import Works

COMMUNITY = "community"


@dataclass(frozen=True, slots=True)
class StoreLine:
    """A store as the list shows it."""

    id: int
    name: str
    url: str
    collaborations: str


class StoreAdministration:
    """The use cases of `hanse server store`; a store is spoken to on behalf of a user of this server."""

    def __init__(
        self,
        settings: Settings,
        username: str = "root",
        outbound: Outbound | None = None,
        clock: Clock | None = None,
    ) -> None:
        file = sqlite_file(settings.uri)
        if file is not None and not file.exists():
            raise NotFound(f"the database {file} does not exist; check --database, or `uri` in the configuration")
        self._settings = settings
        self._username = username
        self._outbound = outbound
        self._clock = clock or SystemClock()

    async def list(self) -> Sequence[StoreLine]:
        """List all stores."""
        async with self._works() as works, works.open(write=False) as work:
            return await to_thread.run_sync(_lines, work.session)

    async def add(
        self, url: str, name: str | None, collaborations: Sequence[int], server_url: str | None, *, registers: bool
    ) -> tuple[int, str]:
        """Couple a store; gives its id and the address of its API."""
        given = rules.api_address(rules.COMMUNITY_URL if url == COMMUNITY else url, "URL")
        async with self._works() as works:
            actor, calls = await self._actor(works), self._calls()
            place = await calls.locate(given)
            label = name or (COMMUNITY if url == COMMUNITY else httpx.URL(given).host)
            body = _body(label, place, server_url, list(collaborations) or None)
            made = await Couplings(works, calls).couple(actor, body, registers=registers)
            return made.id, place

    async def remove(self, wanted: str, server_url: str | None) -> str:
        """Uncouple a store, named by its id or address; gives what is to be told."""
        async with self._works() as works:
            actor = await self._actor(works)
            async with works.open(write=False) as work:
                store_id = await to_thread.run_sync(_find, work.session, wanted)
            return await Couplings(works, self._calls()).uncouple(actor, store_id, server_url)

    def _calls(self) -> StoreCalls:
        settings = self._settings
        tokens = Tokens(signing_secret(settings), self._clock)
        links = Links(settings.api_path)
        pairs = TokenPairs(tokens, links, settings.access_life, settings.refresh_life, settings.sessions)
        return store_calls(settings, pairs.for_store, self._outbound)

    async def _actor(self, works: Works) -> UserActor:
        async with works.open(write=False) as work:
            return await to_thread.run_sync(_load, work.session, self._username)

    @asynccontextmanager
    async def _works(self) -> AsyncIterator[Works]:
        engine = make_engine(self._settings.uri)
        try:
            migrations.require_current(engine)
            dispatcher = Dispatcher(engine, MemoryBus())
            yield Works(engine, self._clock, dispatcher, Links(self._settings.api_path))
        finally:
            engine.dispose()


def _body(name: str, url: str, server_url: str | None, collaborations: list[int] | None) -> StoreCreate:
    try:
        return StoreCreate(
            name=name,
            algorithm_store_url=url,
            server_url=server_url,
            collaboration_id=collaborations,
            force=rules.is_local(url),
        )
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        raise Invalid(f"{problem['loc'][0]}: {problem['msg']}") from error


def _load(session: Session, username: str) -> UserActor:
    row = session.execute(select(User.id, User.token_version).where(User.username == username)).one_or_none()
    actor = user_actor(session, {"sub": row.id, "ver": row.token_version}) if row is not None else None
    if actor is None:
        raise NotFound(f"there is no user {username}; name another with --as")
    return actor


def _lines(session: Session) -> list[StoreLine]:
    rows = session.scalars(select(AlgorithmStore).order_by(AlgorithmStore.id)).all()
    coupled = collaborations_of(session, [row.id for row in rows])
    return [
        StoreLine(row.id, row.name, row.url, "all" if row.is_for_all else ", ".join(map(str, sorted(coupled[row.id]))))
        for row in rows
    ]


def _find(session: Session, wanted: str) -> int:
    address = rules.COMMUNITY_URL if wanted == COMMUNITY else wanted.rstrip("/")
    places = AlgorithmStore.url.in_([address, f"{address}/api"])
    condition = AlgorithmStore.id == int(wanted) if wanted.isdecimal() else places
    found = session.scalars(select(AlgorithmStore.id).where(condition)).all()
    if not found:
        raise NotFound(f"there is no algorithm store {wanted}; `hanse server store list` names them all")
    if len(found) > 1:
        raise Conflict(f"several records have this address: {', '.join(map(str, found))}; name one by its id")
    return found[0]
