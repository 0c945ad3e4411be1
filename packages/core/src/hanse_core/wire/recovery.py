"""Second factors and ways back into an account, on the wire."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator
from typing_extensions import Self

from hanse_core.wire.accounts import Credential, NewPassword
from hanse_core.wire.base import Body, Item, Secret, Text128

ResetToken = Annotated[Secret, StringConstraints(min_length=1, max_length=1024)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=20)]
HiddenCredential = Annotated[Credential, Field(repr=False)]


class SecondFactorSetup(Item):
    """What an authenticator app needs to know; stock clients draw it as a QR code."""

    qr_uri: Secret
    otp_secret: Secret
    msg: str


class _Whose(Body):
    """By which of two names an account is meant; stock clients send null for the other."""

    username: Text128 | None = None
    email: Text128 | None = None

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if not self.username and not self.email:
            raise ValueError("username or email is required")
        return self


class LostPassword(_Whose):
    """Somebody forgot a password."""


class ResetPassword(Body):
    """A mailed token and a new password."""

    reset_token: ResetToken
    password: NewPassword


class LostSecondFactor(_Whose):
    """Somebody lost a second factor and still knows the password."""

    password: HiddenCredential


class ResetSecondFactor(Body):
    """A mailed token."""

    reset_token: ResetToken


class SecondFactorState(Item):
    """Whether the caller has a second factor."""

    active: bool
    required: bool
    """Whether the server or the organization wants one."""
    recovery_codes_left: int


class SecondFactorStart(Body):
    """Set up a second factor; with the code of the old one, if there is one."""

    password: HiddenCredential
    mfa_code: Code | None = Field(default=None, repr=False)


class SecondFactorConfirm(Body):
    """The first code of a new second factor."""

    mfa_code: Annotated[Code, Field(repr=False)]


class SecondFactorProof(Body):
    """Password and code, for what somebody with a stolen session must not do."""

    password: HiddenCredential
    mfa_code: Annotated[Code, Field(repr=False)]


class RecoveryCodes(Item):
    """Codes that each work once in place of a code of the app; shown only now."""

    recovery_codes: Annotated[list[str], Field(repr=False)]
