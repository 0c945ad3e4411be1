"""The one tree of errors: raised in services, written to the wire at one place, raised again in the client."""

from collections.abc import Mapping, Sequence


class HanseError(Exception):
    """An error that a caller can act on: what happened, and what to do about it."""

    status = 500
    code = "error"

    def __init__(
        self, message: str, *, errors: Mapping[str, Sequence[str]] | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        """After how many seconds the same request may succeed, where that is known."""
        self.errors = {field: list(texts) for field, texts in (errors or {}).items()}


class Invalid(HanseError):
    """The request is understood but its content is refused."""

    status = 400
    code = "invalid"


class KeyChanged(Invalid):
    """The server names another public key of an organization than the one that was seen first."""


class Unauthenticated(HanseError):
    """Who is asking is not known: no token, a wrong or an expired one, or a wrong password."""

    status = 401
    code = "unauthenticated"


class Denied(HanseError):
    """The caller is known and may see the object, but may not do this to it (401, as v4 peers expect)."""

    status = 401
    code = "denied"


class WrongIdentity(HanseError):
    """The endpoint is not for this kind of identity (user, node or container)."""

    status = 403
    code = "wrong-identity"


class NotFound(HanseError):
    """The object does not exist, or the caller may not know that it does."""

    status = 404
    code = "not-found"


class Conflict(HanseError):
    """The object is no longer in the state that the request assumes."""

    status = 409
    code = "conflict"


class TooLarge(HanseError):
    """The request exceeds a limit that the message names."""

    status = 413
    code = "too-large"


class Malformed(HanseError):
    """The token or body cannot be decoded at all."""

    status = 422
    code = "malformed"


class Unavailable(HanseError):
    """A part that is needed does not answer now; the same request may succeed later."""

    status = 503
    code = "unavailable"


class Unsupported(HanseError):
    """The server was not set up for this."""

    status = 501
    code = "unsupported"


_CLASSES: tuple[type[HanseError], ...] = (
    Invalid, Unauthenticated, Denied, WrongIdentity, NotFound, Conflict, TooLarge, Malformed, Unavailable, Unsupported,
)  # fmt: skip
_BY_CODE = {cls.code: cls for cls in _CLASSES}
_BY_STATUS = {cls.status: cls for cls in reversed(_CLASSES)} | {429: Unavailable}


def to_wire(error: HanseError) -> dict[str, object]:
    """Give the body of the answer: `msg` for stock peers, `code` and `errors` for ours."""
    body: dict[str, object] = {"msg": error.message, "code": error.code}
    if error.errors:
        body["errors"] = error.errors
    return body


def from_wire(status: int, body: object) -> HanseError:
    """Rebuild the error that a peer sent; works for stock servers too, which send only `msg`."""
    fields = body if isinstance(body, dict) else {}
    message = fields.get("msg") or fields.get("message") or f"the server answered {status} without a reason"
    cls = _BY_CODE.get(str(fields.get("code"))) or _BY_STATUS.get(status) or HanseError
    raw = fields.get("errors")
    errors = (
        {str(k): [str(t) for t in v] for k, v in raw.items() if isinstance(v, list)} if isinstance(raw, dict) else None
    )
    error = cls(str(message), errors=errors)
    error.status = status
    return error
