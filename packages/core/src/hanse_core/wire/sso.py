"""Logins through OpenID Connect providers on the wire; v4 has none of these."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hanse_core.wire.accounts import Credential
from hanse_core.wire.base import Body, Item, Secret
from hanse_core.wire.recovery import Code

Ticket = Annotated[Secret, StringConstraints(min_length=1, max_length=16_000)]
Address = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class OidcProvider(Item):
    """A provider through which people may log in."""

    name: str
    label: str


class OidcStart(Body):
    """Where the provider sends the browser back to: one of the listed addresses, or the loopback of a client."""

    redirect_uri: Address


class OidcLinkStart(OidcStart):
    """The same for linking; who has a password proves with it that nobody else sits at the keyboard."""

    current_password: Credential | None = Field(default=None, repr=False)


class OidcStarted(Item):
    """Where the browser goes, and the ticket that whoever started keeps to finish."""

    authorization_url: str
    state: str
    ticket: Secret
    expires_in: int


class OidcFinish(Body):
    """What the provider sent back, together with the ticket of the start."""

    ticket: Ticket
    state: Annotated[str, StringConstraints(max_length=500)]
    code: Annotated[Secret, StringConstraints(min_length=1, max_length=4000)]
    iss: Address | None = None


class OidcDeviceStarted(Item):
    """What a person needs to log in through a browser elsewhere, and the ticket with which to ask meanwhile."""

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    ticket: Secret
    expires_in: int
    interval: int


class OidcDeviceFinish(Body):
    ticket: Ticket


class OidcWaiting(Item):
    """The person has not finished yet: ask again after so many seconds."""

    status: Literal["pending", "slow_down"]
    interval: int


class OidcSecondFactor(Item):
    """The provider let the person in, and a second factor is required here; for who had none yet, a new one."""

    status: Literal["second_factor"]
    ticket: Secret
    msg: str
    qr_uri: str | None = Field(default=None, repr=False)
    otp_secret: str | None = Field(default=None, repr=False)


class OidcSecondFactorFinish(Body):
    """The ticket of a login that lacks a second factor, and the code."""

    ticket: Ticket
    mfa_code: Annotated[Code, Field(repr=False)]


class ExternalIdentity(Item):
    """Whom a provider knows as the holder of an account."""

    id: int
    provider: str | None
    issuer: str
    subject: str
    created_at: str
    confirmed_at: str | None


class ExternalIdentityCreate(Body):
    """Which person of a provider shall be the holder of an account, as an administrator says beforehand."""

    provider: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=255)]
