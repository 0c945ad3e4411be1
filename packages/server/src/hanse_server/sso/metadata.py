"""What a provider publishes about itself: its endpoints and keys, kept for a while."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from joserfc.jwk import ECKey, RSAKey
from pydantic import BaseModel, ValidationError

from hanse_core.errors import HanseError, Unavailable
from hanse_server.settings.oidc import OidcProvider, is_safe
from hanse_server.sso.id_tokens import public_keys
from hanse_web.clock import Clock

FRESH = timedelta(hours=1)
"""How long what a provider published is used without asking again."""
PATIENCE = timedelta(minutes=1)
"""How often at most the keys are fetched anew because a token names an unknown one."""
PATH = "/.well-known/openid-configuration"

Keys = list[RSAKey | ECKey]
Fetch = Callable[[str], Awaitable[Any]]
log = structlog.get_logger()


class Metadata(BaseModel):
    """The part of a provider's configuration that is used here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Published:
    """Fetches and keeps configuration and keys; what is stale is still used while the provider does not answer."""

    def __init__(self, provider: OidcProvider, clock: Clock, fetch: Fetch) -> None:
        self._provider = provider
        self._clock = clock
        self._fetch = fetch
        self._metadata: tuple[Metadata, datetime] | None = None
        self._keys: tuple[Keys, datetime] | None = None

    async def metadata(self) -> Metadata:
        """Give the provider's configuration. Raises `Unavailable`."""
        known = self._metadata
        if known and self._clock.now() - known[1] < FRESH:
            return known[0]
        try:
            found = self._checked(await self._fetch(self._provider.issuer.rstrip("/") + PATH))
        except HanseError as error:
            if known is None:
                raise
            log.warning("oidc-configuration-stale", provider=self._provider.name, error=error.message)
            return known[0]
        self._metadata = found, self._clock.now()
        return found

    async def keys(self, *, anew: bool = False) -> Keys:
        """Give the keys that sign tokens; `anew` when a token names one that is unknown."""
        known, now = self._keys, self._clock.now()
        if known and now - known[1] < (PATIENCE if anew else FRESH):
            return known[0]
        try:
            published = await self._fetch((await self.metadata()).jwks_uri)
        except HanseError as error:
            if known is None:
                raise
            log.warning("oidc-keys-stale", provider=self._provider.name, error=error.message)
            return known[0]
        listed = published.get("keys") if isinstance(published, dict) else None
        found = public_keys(listed if isinstance(listed, list) else ())
        self._keys = found, now
        return found

    def _checked(self, document: Any) -> Metadata:
        try:
            found = Metadata.model_validate(document)
        except ValidationError as error:
            raise self._unfit("lacks what OpenID Connect needs") from error
        if found.issuer != self._provider.issuer:
            raise self._unfit(f"names the issuer {found.issuer}, not {self._provider.issuer}")
        addresses = [address for name, address in found if name.endswith(("_endpoint", "_uri")) and address]
        if not all(is_safe(address) for address in addresses):
            raise self._unfit("has an endpoint that is not https")
        return found

    def _unfit(self, reason: str) -> Unavailable:
        text = f"the configuration of the provider {self._provider.title} {reason}; tell the operator of this server"
        return Unavailable(text)
