"""ID tokens that must not be believed, made with keys of the test's own."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from hanse_core.errors import Unauthenticated
from hanse_server.sso.id_tokens import Expected, UnknownKey, public_keys, read_id_token

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MOMENT = int(NOW.timestamp())
ISSUER = "https://login.hospital.example"
ALGORITHMS = ("RS256", "PS256", "ES256")
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
EXPECTED = Expected(ISSUER, "hanse", ALGORITHMS, "n")
CLAIMS = {"iss": ISSUER, "aud": "hanse", "sub": "ada", "nonce": "n", "iat": MOMENT, "exp": MOMENT + 300}

Reader = Callable[..., dict[str, Any]]


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def published(*keys: Any) -> list[Any]:
    return [key.as_dict(private=False) for key in keys]


def signed(key: Any = RSA, algorithm: str = "RS256", kid: str | None = None, **claims: Any) -> str:
    header = {"alg": algorithm, "kid": kid or key.kid}
    given = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode(header, given, key, algorithms=[algorithm])


def read(token: str, expected: Expected = EXPECTED) -> dict[str, Any]:
    return read_id_token(token, public_keys(published(RSA, EC)), expected, NOW)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
def test_a_token_of_the_provider_is_read(key: Any, algorithm: str) -> None:
    assert read(signed(key, algorithm))["sub"] == "ada"


def test_a_token_without_key_id_is_tried_with_every_key_of_its_kind() -> None:
    for key, algorithm in ((RSA, "RS256"), (EC, "ES256")):
        token = jwt.encode({"alg": algorithm}, CLAIMS, key, algorithms=[algorithm])
        assert read(token)["sub"] == "ada"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://login.elsewhere.example"}, "issuer"),
        ({"iss": ISSUER + "/"}, "issuer"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["hanse", "other"]}, "aud"),
        ({"aud": ["hanse", "other"], "azp": "other"}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"exp": MOMENT - 61}, "expired"),
        ({"exp": None}, "valid"),
        ({"exp": "soon"}, "valid|claim"),
        ({"iat": MOMENT + 61}, "not valid yet"),
        ({"nbf": MOMENT + 61}, "not valid yet"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "x" * 256}, "subject"),
    ],
)
def test_a_token_that_says_something_else_is_refused(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unauthenticated, match=reason):
        read(signed(**claims))


def test_several_audiences_are_fine_when_the_token_was_given_to_us() -> None:
    assert read(signed(aud=["hanse", "other"], azp="hanse"))["sub"] == "ada"


def test_an_unsigned_token_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        read(".".join([encoded(json.dumps(part).encode()) for part in ({"alg": "none"}, CLAIMS)] + [""]))


def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused() -> None:
    signed_part = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "rsa"}, CLAIMS))
    signature = hmac.digest(RSA.as_pem(private=False), signed_part.encode(), "sha256")
    with pytest.raises(Unauthenticated):
        read(f"{signed_part}.{encoded(signature)}")


def test_a_shared_secret_among_the_published_keys_is_no_key() -> None:
    secret = OctKey.generate_key(256, {"kid": "shared"})
    assert public_keys([secret.as_dict(private=True), {"kty": "RSA"}, "x", {"kty": "EC", "crv": "?"}]) == []


def test_a_key_for_encryption_does_not_sign() -> None:
    assert public_keys([{**RSA.as_dict(private=False), "use": "enc"}]) == []


def test_an_algorithm_that_is_not_listed_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        read(signed(RSA, "RS256"), Expected(ISSUER, "hanse", ("ES256",), "n"))


def test_a_signature_by_somebody_else_is_refused_and_an_unknown_key_named() -> None:
    other = RSAKey.generate_key(2048, {"kid": "other"})
    with pytest.raises(UnknownKey):
        read(signed(other))
    with pytest.raises(Unauthenticated) as refused:
        read(signed(other, kid="rsa"))
    assert not isinstance(refused.value, UnknownKey)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "." * 5, "e30.e30.e30"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        read(text)


def test_a_token_must_belong_to_the_access_token_beside_it() -> None:
    beside = Expected(ISSUER, "hanse", ALGORITHMS, "n", access_token="jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")
    assert read(signed(at_hash="77QmUPtjPfzWtF2AnpK9RQ"), beside)["sub"] == "ada"
    with pytest.raises(Unauthenticated, match="access token"):
        read(signed(at_hash="77QmUPtjPfzWtF2AnpK9RR"), beside)
