"""Algorithm stores as they are written to the wire."""

from collections.abc import Iterable

from hanse_core.wire import stores as wire
from hanse_server.stores.models import AlgorithmStore
from hanse_web.links import Links


def store_items(links: Links, rows: Iterable[AlgorithmStore]) -> list[wire.AlgorithmStore]:
    """Write stores."""
    return [
        wire.AlgorithmStore(
            id=row.id,
            name=row.name,
            url=row.url,
            collaborations=None if row.is_for_all else links.many("collaboration", algorithm_store_id=row.id),
        )
        for row in rows
    ]
