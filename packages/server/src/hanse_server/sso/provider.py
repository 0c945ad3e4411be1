"""One OpenID Connect provider as this server, a confidential client, knows it: authorization code, refresh, device."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import structlog

from hanse_core.errors import Conflict, Unauthenticated, Unavailable
from hanse_server.settings.oidc import OidcProvider
from hanse_server.sso import rules
from hanse_server.sso.id_tokens import Expected, UnknownKey, read_id_token
from hanse_server.sso.metadata import Metadata, Published
from hanse_server.sso.sender import Answer, Sender
from hanse_web.clock import Clock
from hanse_web.pkce import challenge

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_LENGTH = 4_000
MAXIMUM_GROUPS = 10_000

log = structlog.get_logger()


class Refused(Unauthenticated):
    """The provider says no: the code is used up, the login was ended there, the account is closed."""


class Unconfirmed(Unavailable):
    """The provider could not tell whether somebody is still welcome, but has given a new refresh token already."""

    def __init__(self, message: str, refresh_token: str | None) -> None:
        super().__init__(message)
        self.refresh_token = refresh_token


@dataclass(frozen=True, slots=True)
class Proof:
    """What a provider says of the person that just logged in, or still is."""

    issuer: str
    subject: str
    groups: frozenset[str]
    claims: Mapping[str, Any] = field(repr=False)
    has_second_factor: bool
    """Whether the ID token says so, in a way that the settings accept."""
    refresh_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A login that goes on in whichever browser the person has at hand."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: int
    interval: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The person has not finished yet; `slow_down` asks for longer pauses."""

    slow_down: bool


class Provider:
    """Asks one provider, and believes nothing unchecked."""

    def __init__(self, settings: OidcProvider, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._sender = Sender(settings)
        self._published = Published(settings, clock, self._sender.fetch)
        self._secret = settings.secret()

    async def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Give the address to which a browser goes to log in."""
        metadata = await self._published.metadata()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        if "offline_access" in self.settings.scopes:
            query["prompt"] = "consent"  # OpenID Connect Core, section 11: without it the scope may be ignored.
        separator = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{separator}{urlencode(query, quote_via=quote)}"

    async def look(self) -> None:
        """See whether the provider publishes what is needed. Raises `Unavailable`."""
        await self._published.metadata()
        await self._published.keys()

    async def require_sender(self, issuer: str | None) -> None:
        """Refuse a code that another provider sent (RFC 9207)."""
        must_be_named = (await self._published.metadata()).authorization_response_iss_parameter_supported
        if issuer != self.settings.issuer and (issuer is not None or must_be_named):
            raise Unauthenticated("this answer comes from another provider than the one that was asked; start again")

    async def exchange(self, code: str, redirect_uri: str, verifier: str, nonce: str) -> Proof:
        """Exchange an authorization code. Raises `Refused` for a used or wrong one."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await self._proof(self._granted(await self._ask({**form, "code_verifier": verifier})), nonce=nonce)

    async def refresh(self, refresh_token: str, subject: str) -> Proof:
        """Ask whether a person is still welcome. Raises `Refused` when not, `Unavailable` when nobody can tell."""
        granted = self._granted(await self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token}))
        try:
            return await self._proof({"refresh_token": refresh_token, **granted}, subject=subject)
        except Unavailable as error:
            raise Unconfirmed(error.message, _short(granted.get("refresh_token"))) from error

    async def start_device(self) -> DeviceCode:
        """Begin a login for whom no browser can be opened. Raises `Conflict` where there is no such way."""
        self.require_device_login()
        metadata = await self._published.metadata()
        if metadata.device_authorization_endpoint is None:
            raise Conflict(f"the provider {self.settings.title} offers no device login; log in through a browser")
        form = {"scope": " ".join(self.settings.scopes)}
        if "offline_access" in self.settings.scopes:
            form["prompt"] = "consent"
        answer = await self._post(metadata, metadata.device_authorization_endpoint, form)
        try:
            found = answer.body
            complete = found.get("verification_uri_complete")
            return DeviceCode(
                device_code=str(found["device_code"]),
                user_code=str(found["user_code"]),
                verification_uri=str(found["verification_uri"]),
                verification_uri_complete=str(complete) if complete else None,
                expires_in=min(int(found["expires_in"]), 3600),
                interval=max(int(found.get("interval", 5)), 1),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._sender.away(f"no device code: {_error(answer)}") from error

    async def device(self, device_code: str) -> Proof | Waiting:
        """Ask whether the person has logged in. Raises `Refused` when they declined, or took too long."""
        answer = await self._ask({"grant_type": DEVICE_GRANT, "device_code": device_code})
        error = _error(answer)
        if error in ("authorization_pending", "slow_down"):
            return Waiting(slow_down=error == "slow_down")
        return await self._proof(self._granted(answer))

    def require_device_login(self) -> None:
        """Refuse where the settings do. Raises `Conflict`."""
        if not self.settings.device_login:
            raise Conflict(f"this server has no device login for {self.settings.title}; log in through a browser")

    async def _ask(self, form: Mapping[str, str]) -> Answer:
        metadata = await self._published.metadata()
        return await self._post(metadata, metadata.token_endpoint, form)

    async def _post(self, metadata: Metadata, url: str, form: Mapping[str, str]) -> Answer:
        client_id, secret = self.settings.client_id, self._secret
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            return await self._sender.post(url, form, auth=(quote(client_id, safe=""), quote(secret, safe="")))
        return await self._sender.post(url, {**form, "client_id": client_id, "client_secret": secret})

    def _granted(self, answer: Answer) -> dict[str, Any]:
        body = answer.body
        if answer.status == 200 and isinstance(body, dict):
            return body
        error = _error(answer)
        if error in ("invalid_grant", "access_denied", "expired_token", "interaction_required", "login_required"):
            raise Refused(f"the provider {self.settings.title} refuses this login ({error}); log in again")
        if error in ("invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"):
            log.error("oidc-registration-wrong", provider=self.settings.name, error=error)
            text = f"does not accept this server ({error}); its operator must check the registration there"
            raise Unavailable(f"the provider {self.settings.title} {text}")
        raise self._sender.away(f"tokens: {answer.status} {error}")

    async def _proof(
        self, granted: Mapping[str, Any], *, nonce: str | None = None, subject: str | None = None
    ) -> Proof:
        access_token, claims = str(granted.get("access_token", "")), {}
        token = granted.get("id_token")
        if isinstance(token, str):
            claims = await self._read(token, access_token, nonce)
        elif subject is None:
            raise self._sender.away("no ID token")  # A refresh may come without one, a login may not.
        known = subject or str(claims["sub"])
        if claims.get("sub", known) != known:
            raise Refused(f"the provider {self.settings.title} now names another person; log in again")
        has_second_factor = rules.proves_second_factor(self.settings, claims)
        claims = {**claims, **await self._userinfo(access_token, known)}
        if not claims:
            raise self._sender.away("neither ID token nor user information")
        return Proof(
            issuer=self.settings.issuer,
            subject=known,
            groups=groups_of(claims, self.settings.groups_claim),
            claims=claims,
            has_second_factor=has_second_factor,
            refresh_token=_short(granted.get("refresh_token")),
        )

    async def _read(self, token: str, access_token: str, nonce: str | None) -> dict[str, Any]:
        expected = Expected(
            self.settings.issuer, self.settings.client_id, self.settings.algorithms, nonce, access_token or None
        )
        now = self._clock.now()
        try:
            return read_id_token(token, await self._published.keys(), expected, now)
        except UnknownKey:
            return read_id_token(token, await self._published.keys(anew=True), expected, now)

    async def _userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """Ask for the rest, of which providers put little into ID tokens, and less into refreshed ones."""
        address = (await self._published.metadata()).userinfo_endpoint
        if address is None or not access_token:
            return {}
        found = await self._sender.fetch_as(address, access_token)
        if not isinstance(found, dict) or found.get("sub") != subject:
            raise Unauthenticated("the provider described another person than the one who logged in; start again")
        return found


def groups_of(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Find the groups in the claims: under this very name, or along its parts between dots."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    listed = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(each for each in listed[:MAXIMUM_GROUPS] if isinstance(each, str))


def _short(token: object) -> str | None:
    return token if isinstance(token, str) and 0 < len(token) <= TOKEN_LENGTH else None


def _error(answer: Answer) -> str:
    body = answer.body
    return str(body.get("error", ""))[:100] if isinstance(body, dict) else ""
