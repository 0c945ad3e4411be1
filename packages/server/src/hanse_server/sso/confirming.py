"""Asking the provider, whenever a session is renewed, whether its user is still welcome and in which groups."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy import exists, select, update

from hanse_core.errors import HanseError, Unauthenticated, Unavailable
from hanse_server.identity.models import LoginSession
from hanse_server.identity.sessions import end_sessions
from hanse_server.sso.external import External, opened
from hanse_server.sso.models import ExternalIdentity
from hanse_server.sso.people import People, Refusal, method_of
from hanse_server.sso.provider import Proof, Provider, Refused, Unconfirmed
from hanse_server.sso.service import SingleSignOn
from hanse_web.work import Work, Works

ENOUGH = timedelta(seconds=60)
"""Who was confirmed that recently is not asked about again: clients repeat a renewal whose answer was lost."""
ENDED = "the session is over: log in again"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asked:
    """A session about which its provider is being asked."""

    id: str
    user_id: int
    provider: Provider
    external: External
    sealed: str


class Confirming:
    """Stands before the renewal of sessions. It asks outside any transaction, and one renewal at a time."""

    def __init__(self, works: Works, sso: SingleSignOn) -> None:
        self._works = works
        self._sso = sso
        self._by_method = {method_of(each.settings): each for each in sso.providers.values()}

    async def confirm(self, claims: Mapping[str, Any]) -> None:
        """Raise `Unauthenticated` when the provider says no, `Unavailable` when it could not be asked for too long."""
        sid = claims.get("sid")
        if not isinstance(sid, str):
            return
        async with self._works.open(write=False) as work:
            method = await to_thread.run_sync(_method, work, sid)
        if method is None or not method.startswith("oidc:"):
            return
        async with self._works.open(write=True) as work:
            asked = await to_thread.run_sync(self._begun, work, sid)
        if asked is None:
            raise Unauthenticated(ENDED)
        if not asked.external.is_busy(self._works.clock.now()):
            self._require_grace(asked)
            return
        await self._ask(asked)

    def _begun(self, work: Work, sid: str) -> Asked | None:
        """Say that the provider is being asked; None when the session is over, or its provider no longer known."""
        now = work.clock.now()
        mine = select(LoginSession).where(LoginSession.id == sid, LoginSession.revoked_at.is_(None))
        row = work.session.scalar(mine.with_for_update())
        if row is None:
            return None
        provider = self._by_method.get(row.method)
        external = opened(self._sso.seal, row.identity_id, row.external)
        if provider is None or external is None:
            end_sessions(work, LoginSession.id == sid)
            return None
        is_enough = external.confirmed_within(ENOUGH, now) or external.is_busy(now) or external.refresh_token is None
        asked = Asked(sid, row.identity_id, provider, external.idle() if is_enough else external.busy(now), "")
        if not is_enough:
            row.external = asked.external.sealed(self._sso.seal, row.identity_id)
            work.session.flush()
        return replace(asked, sealed=row.external or "")

    def _require_grace(self, asked: Asked) -> None:
        settings = asked.provider.settings
        if asked.external.confirmed_within(max(settings.grace, ENOUGH), self._works.clock.now()):
            return
        if asked.external.refresh_token is None:
            raise Unauthenticated(
                f"your login at {settings.title} is more than {settings.grace_hours:g} hours old; {ENDED}"
            )
        raise Unavailable(
            f"{settings.title} has not confirmed your login for more than {settings.grace_hours:g} hours, "
            "as it cannot be reached; try again when it can, or log in in another way"
        )

    async def _ask(self, asked: Asked) -> None:
        identity_id, token = asked.external.identity_id, asked.external.refresh_token or ""
        async with self._works.open(write=False) as work:
            subject = await to_thread.run_sync(_subject, work, identity_id)
        try:
            if subject is None:
                raise Refused(ENDED)
            proof: Proof | HanseError = await asked.provider.refresh(token, subject)
        except (Unauthenticated, Unavailable) as error:
            proof = error
        async with self._works.open(write=True) as work:
            reason = await to_thread.run_sync(self._concluded, work, asked, proof)
        if reason is not None:
            log.info("external-login-ended", provider=asked.provider.settings.name, user=asked.user_id, reason=reason)
            raise Unauthenticated(reason)
        if isinstance(proof, HanseError):
            self._require_grace(asked)

    def _concluded(self, work: Work, asked: Asked, proof: Proof | HanseError) -> str | None:
        """Store what the provider said; give the reason why the session is over, if it is."""
        identity = work.session.get(ExternalIdentity, asked.external.identity_id)
        people = People(work, asked.provider.settings)
        if identity is None or isinstance(proof, Refused):
            end_sessions(work, LoginSession.id == asked.id)
            if identity is not None and not _has_session(work, asked):
                people.dismiss(identity)
            return proof.message if isinstance(proof, HanseError) else ENDED
        if isinstance(proof, HanseError):
            newer = proof.refresh_token if isinstance(proof, Unconfirmed) else None
            kept = replace(asked.external, refresh_token=newer or asked.external.refresh_token)
            self._store(work, asked, kept.idle())
            return None
        outcome = people.confirm(identity, proof)
        if isinstance(outcome, Refusal):
            return outcome.reason
        if set(asked.external.groups) - outcome.groups:
            people.end_sessions(asked.user_id)
            return f"you are no longer in a group at {asked.provider.settings.title} that you were in; log in again"
        self._store(work, asked, self._sso.remembered(outcome, proof))
        return None

    def _store(self, work: Work, asked: Asked, external: External) -> None:
        sealed = external.sealed(self._sso.seal, asked.user_id)
        mine = LoginSession.id == asked.id, LoginSession.external == asked.sealed
        work.session.execute(update(LoginSession).where(*mine).values(external=sealed))


def _method(work: Work, sid: str) -> str | None:
    return work.session.scalar(select(LoginSession.method).where(LoginSession.id == sid))


def _subject(work: Work, identity_id: int) -> str | None:
    return work.session.scalar(select(ExternalIdentity.subject).where(ExternalIdentity.id == identity_id))


def _has_session(work: Work, asked: Asked) -> bool:
    same = LoginSession.identity_id == asked.user_id, LoginSession.method == method_of(asked.provider.settings)
    return bool(work.session.scalar(select(exists().where(*same, LoginSession.revoked_at.is_(None)))))
