"""The policy that is in force: read from its file, and read again when that file has changed."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import ValidationError

from hanse_core.errors import Invalid
from hanse_node.policy.decision import Request, Terms, Verdict, decide, denied, terms
from hanse_node.policy.model import Policies
from hanse_node.settings import Settings
from hanse_node.settings_file import PREFIX, not_valid, overlay, read_yaml

LOOK_SECONDS = 1.0
log = structlog.get_logger()

Look = tuple[int, int, int, int] | None
"""What tells one version of a file from another: device, inode, size and time; None when it is not there."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of the policy. With a problem, nothing runs and nothing leaves."""

    number: int
    policies: Policies | None
    problem: str = ""
    """What is wrong with the file, for the administrator."""

    def decide(self, request: Request) -> Verdict:
        """Decide by this version."""
        if self.problem:
            return denied("policy unreadable", "the policy of this station cannot be read, so it runs nothing")
        return decide(self.policies, request)

    def terms(self, image: str, digests: Mapping[str, str] | None = None) -> Terms:
        """Give the terms of this version for an image."""
        return terms(self.policies or Policies(), image, digests)


def read(settings: Settings, environment: Mapping[str, str] | None = None) -> Policies | None:
    """Read the policy from where the settings say. Raises `Invalid` naming file, key and cause."""
    environment = os.environ if environment is None else environment
    path = watched(settings)
    if path is None:
        return _with_defaults(settings.policies, settings.accept_v4_defaults)
    own = {name: text for name, text in environment.items() if name.startswith(f"{PREFIX}POLICIES__")}
    return _with_defaults(read_file(path, own, alone=settings.policies_file is not None), settings.accept_v4_defaults)


def read_file(path: Path, environment: Mapping[str, str] | None = None, *, alone: bool = True) -> Policies | None:
    """Read a file that holds the policy, alone or below `policies`. Raises `Invalid` naming file, key and cause."""
    raw = read_yaml(path)
    if alone and "policies" not in raw:
        raw = {"policies": raw}
    overlay(raw, environment or {})
    found = raw.get("policies")
    try:
        return Policies.model_validate(found) if found else None
    except ValidationError as error:
        raise not_valid(f"the policy in {path}", error) from None
    except RecursionError:
        raise Invalid(f"the policy in {path} is nested too deeply") from None


def watched(settings: Settings) -> Path | None:
    """Give the file that holds the policy; None when it came without a file."""
    return settings.policies_file or settings.source


def _with_defaults(policies: Policies | None, accept_v4_defaults: bool) -> Policies | None:
    if not accept_v4_defaults:
        return policies
    return (policies or Policies()).model_copy(update={"accept_v4_defaults": True})


class Rulebook:
    """Gives the edition in force, and looks for a new one.

    A changed file counts once two looks in a row have seen the same: an editor may be half-way through writing it. A
    file that cannot be read then puts an end to starting anything; the last good edition may be what its owner wants
    to be rid of.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._environment = environment
        self._path = watched(settings)
        self._seen = self._accepted = self._look()
        self._changed = asyncio.Event()
        self.edition = self._read(1)

    def look(self) -> bool:
        """Look at the file once; tell whether there is a new edition."""
        seen, before = self._look(), self._seen
        self._seen = seen
        if seen != before or seen == self._accepted:
            return False
        self._accepted = seen
        self.edition = self._read(self.edition.number + 1)
        self._say()
        self._changed.set()
        self._changed = asyncio.Event()
        return True

    async def watch(self, tell: Callable[[], None], seconds: float = LOOK_SECONDS) -> None:
        """Keep looking, and tell of each new edition; never returns."""
        while True:
            await asyncio.sleep(seconds)
            if self.look():
                tell()

    async def sound(self) -> Edition:
        """Wait for an edition without a problem: what is to leave the station waits for it."""
        while self.edition.problem:
            await self._changed.wait()
        return self.edition

    def _read(self, number: int) -> Edition:
        try:
            return Edition(number, read(self._settings, self._environment))
        except Invalid as error:
            details = "; ".join(f"{key}: {' '.join(texts)}" for key, texts in error.errors.items())
            return Edition(number, None, f"{error.message}{': ' if details else ''}{details}")

    def _say(self) -> None:
        if self.edition.problem:
            log.error("policy_unreadable", cause=self.edition.problem, effect="every run is refused until it is mended")
        else:
            log.info("policy_changed", edition=self.edition.number)

    def _look(self) -> Look:
        if self._path is None:
            return None
        try:
            facts = self._path.stat()
        except OSError:
            return None
        return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns
