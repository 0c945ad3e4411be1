"""The second factor of a login through a provider, asked for here where one is required and the provider proves none.

What the provider proved is sealed in a ticket until the code comes. A wrong code counts as it does after a password.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from anyio import to_thread

from hanse_core.errors import Unauthenticated
from hanse_core.wire import sso as wire
from hanse_core.wire.accounts import UserTokens
from hanse_server.accounts.models import Identity
from hanse_server.identity.notices import Notices
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.second_factor import WRONG_CODE, SecondFactors
from hanse_server.identity.service import REFUSAL, Logins
from hanse_server.identity.sessions import Sessions
from hanse_server.settings.oidc import OidcProvider
from hanse_server.sso.external import External
from hanse_server.sso.models import ExternalIdentity
from hanse_server.sso.people import method_of
from hanse_server.sso.tickets import Tickets
from hanse_web.origin import Origin
from hanse_web.sealing import Seal
from hanse_web.work import Work, Works

SECOND_FACTOR = "second factor"
LIFE = timedelta(minutes=10)
ASKED = "send the ticket with the code of your second factor (mfa_code)"
SCAN = "set up a second factor by scanning the QR code, and send the ticket with its code (mfa_code)"


class SecondStep:
    """Opens sessions of people whom a provider let in: at once, or after a code."""

    def __init__(
        self, works: Works, pairs: TokenPairs, tickets: Tickets, seal: Seal, factors: SecondFactors, logins: Logins,
        notices: Notices,
    ) -> None:  # fmt: skip
        self._works = works
        self._pairs = pairs
        self._tickets = tickets
        self._seal = seal
        self._factors = factors
        self._logins = logins
        self._notices = notices

    def open(
        self, work: Work, provider: OidcProvider, user_id: int, external: External, origin: Origin, *, is_proven: bool
    ) -> UserTokens | wire.OidcSecondFactor:
        """Open a session, or ask for a code. Who has no second factor is given one, for a code to confirm."""
        factor = self._factors.of(work, user_id)
        if is_proven or not factor.is_required:
            return self._opened(work, method_of(provider), user_id, external, origin, has_second_factor=is_proven)
        version = work.session.get_one(Identity, user_id).token_version
        content = {"user": user_id, "version": version, "external": asdict(external)}
        ticket = self._tickets.seal(SECOND_FACTOR, provider.name, content, LIFE)
        asked = {"status": "second_factor", "ticket": ticket, "msg": ASKED}
        if not factor.is_active:
            made = self._factors.enrol(work, factor, in_force=False)
            asked |= {"qr_uri": made.qr_uri, "otp_secret": made.otp_secret, "msg": SCAN}
        return wire.OidcSecondFactor.model_validate(asked)

    async def finish(self, provider: OidcProvider, body: wire.OidcSecondFactorFinish, origin: Origin) -> UserTokens:
        """Open the session once the code is right. Raises `Unauthenticated`."""
        content = self._tickets.open(SECOND_FACTOR, provider.name, body.ticket)
        async with self._works.open(write=True) as work:
            tokens = await to_thread.run_sync(self._attempt, work, provider, content, body.mfa_code, origin)
        # Only now: what was counted must not be rolled back.
        if tokens is None:
            raise Unauthenticated(WRONG_CODE)
        return tokens

    def _attempt(
        self, work: Work, provider: OidcProvider, content: Mapping[str, Any], code: str, origin: Origin
    ) -> UserTokens | None:
        user_id = int(content["user"])
        fields = content["external"]
        external = External(**{**fields, "groups": tuple(fields["groups"])})
        identity = work.session.get(ExternalIdentity, external.identity_id)
        if identity is None or identity.confirmed_at is None:
            raise Unauthenticated("meanwhile this login was closed; start again")
        limits = self._logins.limits(work, origin)
        if limits.judge(user_id).is_refused:
            raise Unauthenticated(REFUSAL)
        factor = self._factors.of(work, user_id)
        if not self._logins.takes(work, factor, code, origin):
            return None
        limits.accept(user_id)
        if not factor.is_active:
            self._notices.login_changed(work, user_id, "a second factor was set up, as it is required")
        version, method = content["version"], method_of(provider)
        return self._opened(work, method, user_id, external, origin, version=version, has_second_factor=True)

    def _opened(
        self, work: Work, method: str, user_id: int, external: External, origin: Origin, **more: Any
    ) -> UserTokens:
        sealed = external.sealed(self._seal, user_id)
        return Sessions(work, self._pairs).open(user_id, method, external=sealed, origin=origin, **more)
