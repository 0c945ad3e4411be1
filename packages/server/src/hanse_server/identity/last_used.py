"""When sessions and personal access tokens were last used: collected in memory, written together."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Table, bindparam, update

from hanse_server.accounts.seen import Moments
from hanse_server.identity.access_token_models import AccessToken
from hanse_server.identity.models import LoginSession
from hanse_web.access import Actor, UserActor
from hanse_web.work import Work


class LastUsed(Moments[str | int]):
    """Notes sessions by their texts and access tokens by their numbers."""

    def key_of(self, actor: Actor) -> str | int | None:
        """Give what the request was made with."""
        if not isinstance(actor, UserActor):
            return None
        return actor.session_id if actor.token_id is None else actor.token_id

    def write(self, work: Work, moments: Mapping[str | int, datetime]) -> None:
        """Store when each was used."""
        for model, kind in ((LoginSession, str), (AccessToken, int)):
            rows = [{"key": key, "moment": when} for key, when in moments.items() if isinstance(key, kind)]
            if rows:
                table: Table = model.__table__  # type: ignore[assignment]
                used = update(table).where(table.c.id == bindparam("key")).values(last_used_at=bindparam("moment"))
                work.session.connection().execute(used, rows)
