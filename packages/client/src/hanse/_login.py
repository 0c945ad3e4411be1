"""Who the user is: tokens, where they are kept, and how a login is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from hanse_core.errors import Unauthenticated
from hanse_core.wire.recovery import SecondFactorSetup

PERSONAL_PREFIX = "hanse_pat_"
"""How personal access tokens begin."""
Ask = Callable[[str], str]


@dataclass(frozen=True)
class Tokens:
    """What proves who the user is; never shown."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    user_id: int
    """0 where it is not known: a personal access token does not say whose it is."""

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Tokens:
        """Take them out of the answer to a login."""
        user_id = int(str(answer["user_url"]).rpartition("/")[2])
        return cls(answer["access_token"], answer["refresh_token"], user_id)

    @classmethod
    def personal(cls, token: str) -> Tokens:
        """Take a personal access token, which is not renewed."""
        return cls(token.strip(), "", 0)

    @property
    def is_personal(self) -> bool:
        return not self.refresh


class Keeper(Protocol):
    """Where tokens outlive the client, shared with others perhaps. A refresh token must be used by one of them only."""

    def alone(self) -> AbstractContextManager[object]:
        """Keep the others from renewing at the same time; waits for them."""

    def newest(self) -> Tokens | None:
        """Give what somebody, perhaps another program, kept last."""

    def keep(self, tokens: Tokens | None) -> None:
        """Keep new tokens; None after the user logged out."""


class Forgetful:
    """Keeps nothing, but tells whoever wants to know."""

    def __init__(self, told: Callable[[Tokens], None] | None) -> None:
        self._told = told

    @contextmanager
    def alone(self) -> Iterator[None]:
        yield

    def newest(self) -> Tokens | None:
        return None

    def keep(self, tokens: Tokens | None) -> None:
        if self._told is not None and tokens is not None:
            self._told(tokens)


class SecondFactorNeeded(Unauthenticated):
    """The password is right, and the server wants a second factor.

    Attributes:
        setup: for who had none yet: `qr_uri` is the text of the QR code to scan with an authenticator app, and
            `otp_secret` can be typed instead. Shown only once. Then log in again with a code.
    """

    def __init__(self, message: str, setup: SecondFactorSetup | None = None) -> None:
        super().__init__(message)
        self.setup = setup


def refusal(answer: dict[str, Any]) -> SecondFactorNeeded:
    """Read an answer to a login that holds no tokens."""
    if not answer.get("qr_uri"):
        return SecondFactorNeeded("the server wants the code of your second factor; give it as mfa_code")
    text = (
        "the server wants a second factor, and gave you a new one: scan `setup.qr_uri` of this error as a QR code, or "
        "type `setup.otp_secret` into an authenticator app, and log in again with mfa_code"
    )
    return SecondFactorNeeded(text, SecondFactorSetup(msg="", qr_uri=answer["qr_uri"], otp_secret=answer["otp_secret"]))


def setting_up(setup: SecondFactorSetup) -> str:
    """Say to a person how to set a second factor up."""
    return (
        "This server wants a second factor. Add it to an authenticator app: as the QR code of\n"
        f"  {setup.qr_uri}\nor by typing the secret\n  {setup.otp_secret}\nIt is shown only now."
    )


def somebody() -> Ask | None:
    """Give a way to ask whoever sits at the keyboard; None where nobody does."""
    if "ipykernel" in sys.modules:
        return input
    return _ask if sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty() else None


def _ask(question: str) -> str:
    """Ask on standard error, so that standard output stays the result's."""
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise Unauthenticated("no code was given")
    return line.strip()
