"""What must be true of an ID token before a word of it is believed."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import extract_compact

from hanse_core.errors import Unauthenticated

LEEWAY_SECONDS = 60
"""How far the clocks of provider and server may be apart."""
SUBJECT_LENGTH = 255


class UnknownKey(Unauthenticated):
    """The token was signed with a key that is not among the given ones; the provider may have a new one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the token must say. Tokens of a refresh, and of devices, carry no nonce."""

    issuer: str
    client_id: str
    algorithms: Sequence[str]
    nonce: str | None = None
    access_token: str | None = None


def public_keys(published: Iterable[Any]) -> list[RSAKey | ECKey]:
    """Take the keys that can sign out of what the provider publishes; others, and shared secrets, are left out."""
    keys: list[RSAKey | ECKey] = []
    for each in published:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        with suppress(JoseError, ValueError, TypeError, KeyError):
            if each.get("kty") == "RSA":
                keys.append(RSAKey.import_key(each))
            elif each.get("kty") == "EC":
                keys.append(ECKey.import_key(each))
    return keys


def read_id_token(token: str, keys: Sequence[RSAKey | ECKey], expected: Expected, now: datetime) -> dict[str, Any]:
    """Check signature and claims, and give the claims. Raises `UnknownKey` or `Unauthenticated`."""
    header, claims = _verified(token, keys, expected.algorithms)
    _check_parties(claims, expected)
    _check_times(claims, now.timestamp())
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH:
        raise _refusal("it names no subject")
    if expected.nonce is not None and not _equal(claims.get("nonce"), expected.nonce):
        raise _refusal("it belongs to another login (nonce)")
    if expected.access_token is not None and "at_hash" in claims:
        _check_access_token(claims["at_hash"], expected.access_token, str(header["alg"]))
    return claims


def _verified(
    token: str, keys: Sequence[RSAKey | ECKey], algorithms: Sequence[str]
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    refused: Exception | None = None
    for key in _candidates(token, keys):
        try:
            found = jwt.decode(token, key, algorithms=list(algorithms))
        except (JoseError, ValueError, TypeError) as error:
            refused = error
        else:
            return found.header, dict(found.claims)
    if refused is None:
        raise UnknownKey("the provider's ID token cannot be accepted: it is signed with an unknown key")
    raise _refusal(f"{refused}") from refused


def _candidates(token: str, keys: Sequence[RSAKey | ECKey]) -> Sequence[RSAKey | ECKey]:
    try:
        header = extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, UnicodeError) as error:
        raise _refusal(f"{error}") from error
    kid = header.get("kid")
    named = [key for key in keys if kid is None or key.kid == kid]
    return [key for key in named if str(header.get("alg", ""))[:2] in _FAMILIES[key.key_type]] or named


_FAMILIES = {"RSA": ("RS", "PS"), "EC": ("ES",)}


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise _refusal("it comes from another issuer")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    party = claims.get("azp")
    if expected.client_id not in audiences or (len(audiences) > 1 and party is None):
        raise _refusal("it is meant for another application (aud)")
    if party is not None and party != expected.client_id:
        raise _refusal("it was given to another application (azp)")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    try:
        end, issued = float(claims["exp"]), float(claims["iat"])
        start = float(claims.get("nbf", issued))
    except (KeyError, TypeError, ValueError) as error:
        raise _refusal("it does not say when it is valid") from error
    if not now - LEEWAY_SECONDS < end:
        raise _refusal("it has expired; is the clock of this machine right?")
    if not max(start, issued) <= now + LEEWAY_SECONDS:
        raise _refusal("it is not valid yet; is the clock of this machine right?")


def _check_access_token(stated: object, access_token: str, algorithm: str) -> None:
    digest = hashlib.new(f"sha{algorithm[-3:]}", access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not _equal(stated, half):
        raise _refusal("it does not belong to the access token beside it")


def _equal(stated: object, wanted: str) -> bool:
    return isinstance(stated, str) and hmac.compare_digest(stated.encode(), wanted.encode())


def _refusal(reason: str) -> Unauthenticated:
    return Unauthenticated(f"the provider's ID token cannot be accepted: {reason}")
