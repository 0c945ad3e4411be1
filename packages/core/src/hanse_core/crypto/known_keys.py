"""Public keys of partner organizations as they were first seen; a changed one is refused until it is confirmed.

Inputs and results are sealed with the key that the server says is the organization's. A server that named another key
could read them all.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hanse_core.crypto import keys
from hanse_core.errors import Invalid, KeyChanged, NotFound
from hanse_core.locks import alone


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
    """The keys, in one file that whoever uses them shares with the commands for it."""

    def __init__(self, path: Path, remedy: str, tell: Callable[[str, int, str], None] | None = None) -> None:
        """Use a file.

        Args:
            path: where the keys are; it is made with the first one.
            remedy: the command that confirms a changed key; the organization's id follows it.
            tell: told `key_first_seen` and `key_changed`, with the organization's id and the fingerprint.
        """
        self._path = path
        self.remedy = remedy
        self._tell = tell or (lambda event, organization_id, fingerprint: None)

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
            self._tell("key_first_seen", organization_id, keys.fingerprint(published))
            return published
        if pin.refused != published:
            self._write(organization_id, replace(pin, refused=published))
            self._tell("key_changed", organization_id, keys.fingerprint(published))
        raise KeyChanged(
            f"the public key of organization {organization_id}{f' ({pin.name})' if pin.name else ''} has changed, and "
            f"nobody here has confirmed the new one (until now {pin.fingerprint}; now {keys.fingerprint(published)}). "
            f"Ask the organization, not the server, for the fingerprint of its key, and then:  "
            f"{self.remedy} {organization_id}"
        )

    def has(self, published: str) -> bool:
        """Tell whether some organization's key is this one. Raises `Invalid` for what is no key."""
        return _normal(published) in {pin.key for pin in self.all().values()}

    def put(self, organization_id: int, published: str, name: str = "") -> str:
        """Believe a key from now on; give its fingerprint."""
        published = _normal(published)
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._write(organization_id, KnownKey(published, name, now))
        return keys.fingerprint(published)

    def waiting(self, organization_id: int) -> KnownKey:
        """Give the key of an organization of which a changed one waits. Raises `NotFound`."""
        pin = self.all().get(organization_id)
        if pin is None or not pin.refused:
            raise NotFound(f"no changed key of organization {organization_id} waits for being confirmed")
        return pin

    def trust(self, organization_id: int, fingerprint: str) -> None:
        """Believe the key that was refused, if it has the fingerprint that its owner told.

        Raises:
            NotFound: no changed key of this organization waits.
            Invalid: it has another fingerprint.
        """
        pin = self.waiting(organization_id)
        if _plain(fingerprint) != _plain(pin.refused_fingerprint):
            raise Invalid("that is another fingerprint than the one of the changed key: it stays refused")
        self.put(organization_id, pin.refused, pin.name)

    def bundle(self) -> dict[str, str]:
        """Give the keys that are believed by organization, as others may import them."""
        return {str(organization_id): pin.key for organization_id, pin in sorted(self.all().items())}

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
        with alone(self._path.with_suffix(".lock")):
            yield


def _plain(fingerprint: str) -> str:
    return "".join(fingerprint.split()).lower()


def _normal(published: str) -> str:
    """Write a key the one way, so that the same key in other words is no other key. Raises `Invalid`."""
    return keys.publish(keys.load_public(published))


def read_bundle(path: Path, parse: Callable[[str], object] = json.loads) -> dict[int, str]:
    """Read public keys by organization's id, each as published or as PEM. Raises `Invalid`."""
    try:
        fields = parse(path.read_text())
        return {int(organization): _published(text) for organization, text in _mapping(fields).items()}
    except (OSError, ValueError, TypeError) as error:
        raise Invalid(f"the bundle {path} cannot be read: {error}") from error


def _mapping(fields: object) -> Mapping[Any, str]:
    if not isinstance(fields, dict):
        raise ValueError("it must name the public key of each organization by its id")
    return fields


def _published(text: str) -> str:
    return base64.b64encode(text.encode()).decode() if "BEGIN PUBLIC KEY" in text else "".join(text.split())
