"""Roles that come of groups are not held for ever without a word of the provider, whichever way somebody logs in."""

import asyncio
from collections.abc import Sequence

import structlog
from anyio import to_thread
from sqlalchemy import or_, select

from hanse_server.settings.oidc import OidcProvider
from hanse_server.sso.models import ExternalIdentity, external_role
from hanse_server.sso.people import set_roles
from hanse_web.work import Work, Works

FIRST_SECONDS = 60
EVERY_SECONDS = 15 * 60

log = structlog.get_logger()


class Lapses:
    """Looks from time to time for roles that nobody has confirmed for too long."""

    def __init__(self, works: Works, providers: Sequence[OidcProvider]) -> None:
        self._works = works
        self._providers = providers

    async def run(self) -> None:
        """Look until cancelled."""
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> int:
        """Take away what lapsed, and everything of providers that are no longer in the settings; give the number."""
        async with self._works.open(write=False) as work:
            lapsed = await to_thread.run_sync(self._lapsed, work)
        for identity_id in lapsed:
            async with self._works.open(write=True) as work:
                await to_thread.run_sync(_take, work, identity_id)
        return len(lapsed)

    def _lapsed(self, work: Work) -> Sequence[int]:
        now = work.clock.now()
        known = [each.issuer for each in self._providers]
        late = [
            (ExternalIdentity.issuer == each.issuer) & (ExternalIdentity.confirmed_at < now - each.roles_last)
            for each in self._providers
        ]
        holders = select(external_role.c.identity_id).distinct()
        chosen = select(ExternalIdentity.id).where(
            ExternalIdentity.id.in_(holders), or_(ExternalIdentity.issuer.not_in(known), *late)
        )
        return work.session.scalars(chosen).all()


def _take(work: Work, identity_id: int) -> None:
    identity = work.session.get(ExternalIdentity, identity_id)
    if identity is not None:
        set_roles(work.session, identity, ())
        log.info("roles-lapsed", user=identity.user_id, issuer=identity.issuer)
