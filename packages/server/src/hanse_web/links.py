"""References from one object to others, as they are written inside items."""

from typing import Any

from hanse_core.protocol import API_PATH
from hanse_core.wire.base import Link

METHODS: dict[str, list[str]] = {
    "algorithmstore": ["GET", "PATCH", "DELETE"],
    "collaboration": ["GET", "PATCH", "DELETE"],
    "node": ["GET", "PATCH", "DELETE"],
    "organization": ["GET", "PATCH", "DELETE"],
    "result": ["GET"],
    "role": ["GET", "PATCH", "DELETE"],
    "rule": ["GET"],
    "run": ["GET", "PATCH"],
    "study": ["GET", "PATCH", "DELETE"],
    "task": ["GET", "DELETE"],
    "user": ["GET", "PATCH", "DELETE"],
}
"""What a caller may try on a single object of each kind."""


class Links:
    """Makes host-relative references under the configured API path."""

    def __init__(self, api_path: str = API_PATH) -> None:
        self.api_path = api_path

    def path(self, kind: str, key: int | str) -> str:
        """Give the path of one object."""
        return f"{self.api_path}/{kind}/{key}"

    def one(self, kind: str, key: int) -> Link:
        """Refer to one object."""
        return Link(id=key, link=self.path(kind, key), methods=METHODS[kind])

    def plain(self, kind: str, key: int | None) -> dict[str, Any] | None:
        """Refer to one object, or to none, in the form that is sent: for lists, where a model for each costs time."""
        return None if key is None else {"id": key, "link": self.path(kind, key), "methods": METHODS[kind]}

    def maybe(self, kind: str, key: int | None) -> Link | None:
        """Refer to one object, or to none."""
        return None if key is None else self.one(kind, key)

    def many(self, kind: str, **filters: int) -> str:
        """Refer to the list of objects that one filter selects."""
        ((name, value),) = filters.items()
        return f"{self.api_path}/{kind}?{name}={value}"
