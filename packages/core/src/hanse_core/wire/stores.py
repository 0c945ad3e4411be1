"""Algorithm stores on the wire."""

from typing import Annotated

from pydantic import Field, StringConstraints

from hanse_core.wire.base import Body, Id, Item, Name

Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1024)]
"""Address of a server's or store's API, such as `https://store.example/api`."""
Collaborations = Id | Annotated[list[Id], Field(min_length=1, max_length=1000)]
"""One collaboration, as the v4 wire has it, or several."""


class StoreCreate(Body):
    """Couple an algorithm store: to one collaboration, to several, or (absent or null) to all."""

    name: Name
    algorithm_store_url: Address
    server_url: Address | None = None
    collaboration_id: Collaborations | None = None
    force: bool = False


class StorePatch(Body):
    """Rename a store, or say anew whose it is; null means: of all collaborations."""

    name: Name | None = None
    collaboration_id: Collaborations | None = None


class AlgorithmStore(Item):
    id: int
    name: str
    url: str
    collaborations: str | None
    """Where to list the collaborations that may use it; null: all may."""
