"""End-to-end encryption at the user: inputs are sealed for each organization, results opened with the own key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from hanse import profiles
from hanse_core.crypto import keys
from hanse_core.crypto.envelope import looks_sealed
from hanse_core.crypto.known_keys import KnownKeys
from hanse_core.crypto.sealer import EnvelopeSealer, PlainSealer, Sealer
from hanse_core.errors import Invalid, KeyChanged
from hanse_core.wire.accounts import Organization

NO_KEY = "is encrypted; call client.setup_encryption(private_key) first"


def sealer_of(private_key: str | Path | rsa.RSAPrivateKey) -> EnvelopeSealer:
    """Load the private key of one's organization. Raises `Invalid` naming the file."""
    key = private_key if isinstance(private_key, rsa.RSAPrivateKey) else keys.load_private(Path(private_key))
    return EnvelopeSealer(key)


def known_keys(url: str) -> KnownKeys:
    """Give the public keys of organizations that were seen at a server, whose API has this address."""
    return KnownKeys(profiles.known_keys(url), f"hanse key trust --server {url}")


def believed(known: KnownKeys, organizations: Sequence[Organization], sealer: Sealer) -> list[Organization]:
    """Give those who get something sealed with the keys that are believed.

    Raises:
        KeyChanged: one has another key than before, says the server.
        Invalid: one has published something that is no key.
    """
    if not isinstance(sealer, EnvelopeSealer):
        return list(organizations)
    return [each.model_copy(update={"public_key": _believed(known, each)}) for each in organizations]


def _believed(known: KnownKeys, organization: Organization) -> str:
    try:
        return known.believed(organization.id, organization.public_key or "", organization.name)
    except KeyChanged:
        raise
    except Invalid as error:
        raise Invalid(f"{organization.name}: {error.message}") from error


def sealer_for(encrypted: bool, own: EnvelopeSealer | None, *, plain: bool = False) -> Sealer:
    """Choose how payloads of a collaboration travel; the results will need the key, so it is asked for at once.

    Whoever set a key up means to encrypt: that a collaboration is not encrypted is only the server's word.
    """
    if encrypted:
        if own is None:
            raise Invalid(f"the collaboration {NO_KEY}")
        return own
    if own is not None and not plain:
        raise Invalid(
            "you set up encryption, but the server says that this collaboration is not encrypted, so the server could "
            "read the input and the results; if that is right, say plain=True"
        )
    return PlainSealer()


def seal_input(plain: bytes, organization: Organization, sealer: Sealer) -> str:
    """Seal an input for one organization. Raises `Invalid` naming it when it has published no usable key."""
    try:
        return sealer.seal(plain, organization.public_key)
    except Invalid as error:
        raise Invalid(f"{organization.name}: {error.message}") from error


def open_result(text: str | None, own: EnvelopeSealer | None) -> Any:
    """Open a result: None when there is none, bytes when it is no JSON."""
    if not text:
        return None
    sealed = looks_sealed(text)
    if sealed and own is None:
        raise Invalid(f"the result {NO_KEY}")
    opened = own.open(text) if sealed and own is not None else PlainSealer().open(text)
    try:
        return json.loads(opened) if opened else None
    except ValueError:
        return opened
