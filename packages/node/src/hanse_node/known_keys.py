"""Public keys of partner organizations as this node first saw them; a changed one is refused until it is confirmed.

Results are sealed for the organization that asked, with the key that the server says is hers. A server that named
another key could read them all.
"""

import base64
import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
import yaml

from hanse_core.crypto import keys
from hanse_core.errors import Invalid
from hanse_node.errors import KeyChanged

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One organization's key."""

    key: str
    name: str = ""
    since: str = ""
    refused: str = ""
    """Another key that the server named since."""

    @property
    def fingerprint(self) -> str:
        return keys.fingerprint(self.key)

    @property
    def refused_fingerprint(self) -> str:
        return keys.fingerprint(self.refused) if self.refused else ""


class KnownKeys:
    """The keys, in one file that this node and its commands share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[int, KnownKey]:
        """Give the keys by organization. Raises `Invalid` for a file that cannot be read: it is never begun anew."""
        try:
            fields = json.loads(self._path.read_text())
            return {int(organization): KnownKey(**pin) for organization, pin in fields.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise Invalid(
                f"{self._path}, which holds the public keys of partners, cannot be read: {error}. Move it aside if it "
                "is damaged; the keys that are seen next are then believed"
            ) from error

    def believed(self, organization_id: int, published: str, name: str = "") -> str:
        """Give the key to seal with: that seen first, also if none is published any more. Raises `KeyChanged`."""
        pin = self.all().get(organization_id)
        if not published:
            return pin.key if pin is not None else ""
        published = _normal(published)
        if pin is not None and published == pin.key:
            return pin.key
        if pin is None:
            self.put(organization_id, published, name)
            log.info("key_first_seen", organization_id=organization_id, fingerprint=keys.fingerprint(published))
            return published
        if pin.refused != published:
            self._write(organization_id, replace(pin, refused=published))
            log.error("key_changed", organization_id=organization_id, fingerprint=keys.fingerprint(published))
        raise KeyChanged(
            f"the public key of organization {organization_id} has changed, and this station has not confirmed the new "
            f"one (until now {pin.fingerprint}; now {keys.fingerprint(published)}). Its administrator does that with  "
            f"hanse node key trust {organization_id}"
        )

    def has(self, published: str) -> bool:
        """Tell whether some organization's key is this one. Raises `Invalid` for what is no key."""
        return _normal(published) in {pin.key for pin in self.all().values()}

    def put(self, organization_id: int, published: str, name: str = "") -> str:
        """Believe a key from now on; give its fingerprint."""
        published = _normal(published)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write(organization_id, KnownKey(published, name, now))
        return keys.fingerprint(published)

    def trust(self, organization_id: int) -> None:
        """Believe the key that was refused."""
        pin = self.all()[organization_id]
        self.put(organization_id, pin.refused, pin.name)

    def _write(self, organization_id: int, pin: KnownKey) -> None:
        with self._locked():
            known = {**self.all(), organization_id: pin}
            partial = self._path.with_suffix(".part")
            partial.touch(0o600)
            partial.write_text(json.dumps({str(number): asdict(one) for number, one in known.items()}, indent=1))
            partial.replace(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.with_suffix(".lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _normal(published: str) -> str:
    """Write a key the one way, so that the same key in other words is no other key. Raises `Invalid`."""
    return keys.publish(keys.load_public(published))


def read_bundle(path: Path) -> dict[int, str]:
    """Read public keys by organization's id, each as published or as PEM. Raises `Invalid`."""
    try:
        fields = yaml.safe_load(path.read_text())
        return {int(organization): _published(text) for organization, text in _mapping(fields).items()}
    except (OSError, yaml.YAMLError, ValueError, TypeError) as error:
        raise Invalid(f"the bundle {path} cannot be read: {error}") from error


def _mapping(fields: object) -> Mapping[Any, str]:
    if not isinstance(fields, dict):
        raise ValueError("it must name the public key of each organization by its id")
    return fields


def _published(text: str) -> str:
    return base64.b64encode(text.encode()).decode() if "BEGIN PUBLIC KEY" in text else "".join(text.split())
