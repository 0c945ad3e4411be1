"""What this node may read and seal: the collaboration's kind of payload, and the organization's key."""

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from hanse_core.crypto.sealer import EnvelopeSealer, PlainSealer, Sealer
from hanse_node.errors import CannotStart
from hanse_node.messages import Organization
from hanse_node.settings import Encryption

if TYPE_CHECKING:
    from hanse_core.crypto.known_keys import KnownKeys
    from hanse_core.crypto.streams import Opener, Writer

log = structlog.get_logger()


class Vault:
    """Opens inputs and seals results the way the collaboration wants it."""

    def __init__(self, encryption: Encryption, keys_file: Path | None = None) -> None:
        self.encrypted = encryption.enabled
        self._known_keys = known_keys(keys_file) if encryption.enabled and keys_file is not None else None
        self.public_key = ""
        self._sealer: Sealer = PlainSealer()
        if encryption.enabled:
            sealer = _envelope(encryption.private_key)
            self._sealer, self.public_key = sealer, sealer.public_key

    def agree(self, collaboration_encrypted: bool) -> None:
        """Check that node and collaboration mean the same. Raises `CannotStart` saying which to change."""
        if collaboration_encrypted == self.encrypted:
            return
        theirs, ours = ("is", "false") if collaboration_encrypted else ("is not", "true")
        remedy = "true (with private_key)" if collaboration_encrypted else "false"
        raise CannotStart(
            f"the collaboration {theirs} encrypted, but this node has encryption.enabled: {ours}; "
            f"set it to {remedy}, or correct the collaboration"
        )

    def must_publish(self, published: str) -> bool:
        """Tell whether the organization still lacks a public key. Raises `CannotStart` when it has another one.

        A key that differs is never replaced: others seal for it, and whoever holds its private half would be shut out.
        """
        if not self.encrypted or published == self.public_key:
            return False
        if not published:
            return True
        raise CannotStart(
            "the organization has published another public key than that of this node's private key "
            f"(published: {_name(published)}; ours: {_name(self.public_key)}). Use the organization's private key "
            "here, or remove the public key from the organization if the other one is lost"
        )

    def joined(self, organization_id: int) -> None:
        """Note which organization this is: for it the key is ours, whatever the server says."""
        if self._known_keys is not None and self._known_keys.all().get(organization_id) is None:
            self._known_keys.put(organization_id, self.public_key, "this organization")

    def recipient(self, organization_id: int, organization: Organization) -> str:
        """Give the public key to seal with. Raises `KeyChanged` when it is not the one that was seen first."""
        if self._known_keys is None:
            return organization.public_key
        return self._known_keys.believed(organization_id, organization.public_key, organization.name)

    def open(self, sealed: str) -> bytes:
        """Open what was sealed for this organization. Raises `Invalid`."""
        return self._sealer.open(sealed)

    def opener(self) -> "Opener":
        """Give what opens a blob that was sealed for this organization, piece by piece."""
        from hanse_core.crypto.streams import Opener  # Only where the server has a blob store.

        if isinstance(self._sealer, EnvelopeSealer):
            return self._sealer.opener(is_blob=True)
        return Opener(None, is_blob=True)

    def writer(self, public_key: str) -> "Writer":
        """Give what writes a blob for whoever has this public key, piece by piece. Raises `Invalid` for no key."""
        from hanse_core.crypto.streams import Writer

        if not self.encrypted:
            return Writer()
        from hanse_core.crypto import keys

        return Writer(keys.load_public(public_key))

    def is_known(self, public_key: str) -> bool:
        """Tell whether this is the key that is believed to be that of some organization."""
        return self._known_keys is None or self._known_keys.has(public_key)

    def seal(self, message: bytes, public_key: str = "") -> str:
        """Seal for the organization with this public key. Raises `Invalid` when the key is needed and unusable."""
        return self._sealer.seal(message, public_key)


def _envelope(private_key: Path | None) -> EnvelopeSealer:
    from hanse_core.crypto import keys  # Only encrypted nodes pay for the import.

    return EnvelopeSealer(keys.load_private(private_key or Path("private_key.pem")))


def known_keys(path: Path) -> "KnownKeys":
    """Give the keys of partners that a node keeps in this file."""
    from hanse_core.crypto.known_keys import KnownKeys

    return KnownKeys(path, "hanse node key trust", _tell)


def _tell(event: str, organization_id: int, fingerprint: str) -> None:
    level = log.error if event == "key_changed" else log.info
    level(event, organization_id=organization_id, fingerprint=fingerprint)


def _name(published: str) -> str:
    from hanse_core.crypto import keys

    try:
        return keys.fingerprint(published)
    except ValueError:
        return "unreadable"
