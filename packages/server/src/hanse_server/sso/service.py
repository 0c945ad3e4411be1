"""Logging in at a provider: through a browser, or through a browser elsewhere."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from anyio import to_thread

from hanse_core.errors import NotFound, Unauthenticated
from hanse_core.wire import sso as wire
from hanse_core.wire.accounts import UserTokens
from hanse_server.identity.notices import Notices
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.second_factor import SecondFactors
from hanse_server.identity.service import Logins
from hanse_server.settings.oidc import OidcProvider
from hanse_server.sso import rules
from hanse_server.sso.external import External
from hanse_server.sso.pacing import Pacing, Patience
from hanse_server.sso.people import People, Refusal, Welcome
from hanse_server.sso.provider import Proof, Provider, Waiting
from hanse_server.sso.second_step import SecondStep
from hanse_server.sso.tickets import Tickets
from hanse_web.clock import Clock
from hanse_web.origin import Origin
from hanse_web.sealing import Seal
from hanse_web.work import Work, Works

LIFE = timedelta(minutes=10)
"""How long somebody may take to log in at the provider."""
LoggedIn = UserTokens | wire.OidcSecondFactor
LOGIN, LINK, DEVICE = "login", "link", "device"

log = structlog.get_logger()


class SingleSignOn:
    """The providers of this server, and the ways to log in through them."""

    def __init__(
        self,
        works: Works,
        pairs: TokenPairs,
        providers: tuple[OidcProvider, ...],
        secret: str,
        clock: Clock,
        factors: SecondFactors,
        logins: Logins,
        notices: Notices,
    ) -> None:
        self._works = works
        self._clock = clock
        self._tickets = Tickets(secret, clock)
        self._pacing = Pacing(clock)
        self._patience = Patience(clock)
        self.seal = Seal(secret, "external logins")
        self.second_step = SecondStep(works, pairs, self._tickets, self.seal, factors, logins, notices)
        self.providers = {each.name: Provider(each, clock) for each in providers}

    def provider(self, name: str) -> Provider:
        """Find a provider. Raises `NotFound`."""
        if (found := self.providers.get(name)) is None:
            raise NotFound(f"the provider {name[:40]} is not found")
        return found

    async def start(self, name: str, redirect_uri: str, *, link_to: int | None = None) -> wire.OidcStarted:
        """Begin a login in a browser, or the proof that one is the person to be linked to an account."""
        provider = self.provider(name)
        rules.require_redirect(provider.settings, redirect_uri)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        address = await provider.authorization_url(redirect_uri, state, nonce, verifier)
        content = {"state": state, "nonce": nonce, "verifier": verifier, "redirect": redirect_uri, "user": link_to}
        ticket = self._tickets.seal(LINK if link_to else LOGIN, name, content, LIFE)
        seconds = int(LIFE.total_seconds())
        return wire.OidcStarted(authorization_url=address, state=state, ticket=ticket, expires_in=seconds)

    async def finish(self, name: str, body: wire.OidcFinish, origin: Origin) -> LoggedIn:
        """Log in with what the provider sent back."""
        with self._strained(origin):
            proof = await self._exchanged(name, LOGIN, body)
        return await self._log_in(self.provider(name), proof, origin)

    async def prove(self, name: str, body: wire.OidcFinish, user_id: int) -> Proof:
        """Give the person that a user has proven to be. Raises `Unauthenticated` if somebody else started."""
        return await self._exchanged(name, LINK, body, user_id)

    async def start_device(self, name: str, origin: Origin) -> wire.OidcDeviceStarted:
        """Begin a login in a browser elsewhere."""
        provider = self.provider(name)
        self._patience.require(origin.network)
        self._patience.note(origin.network)
        begun = await provider.start_device()
        content = {"code": begun.device_code, "interval": begun.interval}
        return wire.OidcDeviceStarted(
            user_code=begun.user_code,
            verification_uri=begun.verification_uri,
            verification_uri_complete=begun.verification_uri_complete,
            ticket=self._tickets.seal(DEVICE, name, content, timedelta(seconds=begun.expires_in)),
            expires_in=begun.expires_in,
            interval=begun.interval,
        )

    async def finish_device(self, name: str, ticket: str, origin: Origin) -> LoggedIn | wire.OidcWaiting:
        """Log in if the person has finished; else say when to ask again."""
        provider, content = self.provider(name), self._tickets.open(DEVICE, name, ticket)
        provider.require_device_login()
        interval = int(content["interval"])
        if not self._pacing.may_go(content["code"], interval):
            return wire.OidcWaiting(status="slow_down", interval=interval + 5)
        with self._strained(origin):
            found = await provider.device(content["code"])
        if isinstance(found, Waiting):
            status, longer = ("slow_down", 5) if found.slow_down else ("pending", 0)
            return wire.OidcWaiting.model_validate({"status": status, "interval": interval + longer})
        return await self._log_in(provider, found, origin)

    @contextmanager
    def _strained(self, origin: Origin) -> Iterator[None]:
        """Count what fails, and refuse where too much did."""
        self._patience.require(origin.network)
        try:
            yield
        except Unauthenticated:
            self._patience.note(origin.network)
            raise

    async def _exchanged(self, name: str, purpose: str, body: wire.OidcFinish, user_id: int | None = None) -> Proof:
        provider, content = self.provider(name), self._tickets.open(purpose, name, body.ticket)
        rules.require_same_state(body.state, content["state"])
        if content["user"] != user_id:
            raise Unauthenticated("somebody else began to link; start again")
        await provider.require_sender(body.iss)
        return await provider.exchange(body.code, content["redirect"], content["verifier"], content["nonce"])

    async def _log_in(self, provider: Provider, proof: Proof, origin: Origin) -> LoggedIn:
        async with self._works.open(write=True) as work:
            outcome = await to_thread.run_sync(self._settled, work, provider, proof, origin)
        # Only now: what was taken away from somebody who is refused must not be given back.
        if isinstance(outcome, Refusal):
            log.info("external-login-refused", provider=provider.settings.name, reason=outcome.reason)
            raise Unauthenticated(outcome.reason)
        return outcome

    def _settled(self, work: Work, provider: Provider, proof: Proof, origin: Origin) -> LoggedIn | Refusal:
        welcome = People(work, provider.settings).settle(proof)
        if isinstance(welcome, Refusal):
            return welcome
        external, is_proven = self.remembered(welcome, proof), proof.has_second_factor
        return self.second_step.open(work, provider.settings, welcome.user_id, external, origin, is_proven=is_proven)

    def remembered(self, welcome: Welcome, proof: Proof) -> External:
        """Give what a session keeps of a proof."""
        now = self._clock.now().timestamp()
        return External(welcome.identity_id, tuple(sorted(welcome.groups)), proof.refresh_token, now)
