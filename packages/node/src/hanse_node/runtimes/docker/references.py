"""Image names: registry, repository, tag and digest, as the engine writes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hanse_node.runtimes.base import ImageMissing

HUB = "docker.io"
DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
_NAME = re.compile(
    r"^(?P<repository>[A-Za-z0-9][A-Za-z0-9._:/-]*?)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]+))?$"
)
_PATH = re.compile(r"^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$")


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image as a task names it."""

    repository: str
    """In the engine's short form: without `docker.io/` and `library/`."""
    tag: str
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> "ImageName":
        """Read a name. Raises `ImageMissing` for what no registry can have."""
        found = _NAME.fullmatch(text)
        digest = found and found["digest"]
        if found is None or (digest and not DIGEST.fullmatch(digest)):
            raise ImageMissing(f"{text!r} is not the name of an image")
        repository = _short(found["repository"])
        host, path = _host(repository)
        if not _PATH.fullmatch(path) or (host and ("/" in host or not path)):
            raise ImageMissing(f"{text!r} is not the name of an image")
        return cls(repository, found["tag"] or "latest", digest)

    @property
    def registry(self) -> str:
        """Host (and port) of the registry."""
        return _host(self.repository)[0] or HUB

    @property
    def tagged(self) -> str:
        return f"{self.repository}:{self.tag}"

    def pinned(self, digest: str) -> str:
        """Give the name of exactly these bytes."""
        return f"{self.repository}@{digest}"

    def names(self, found: Mapping[str, Any]) -> bool:
        """Tell whether an image, as the engine describes it, goes by this name."""
        pinned = (entry.rpartition("@")[0] for entry in found.get("RepoDigests") or ())
        return self.tagged in (found.get("RepoTags") or ()) or self.repository in pinned


def _short(repository: str) -> str:
    for prefix in ("docker.io/", "index.docker.io/"):
        if repository.startswith(prefix):
            return repository.removeprefix(prefix).removeprefix("library/")
    return repository.removeprefix("library/")


def _host(repository: str) -> tuple[str, str]:
    """Split off the registry; the first part is one when it looks like a host."""
    first, slash, rest = repository.partition("/")
    is_host = bool(slash) and (any(mark in first for mark in ".:") or first == "localhost")
    return (first, rest) if is_host else ("", repository)
