"""Algorithm stores, and which collaborations may use them."""

from sqlalchemy import insert, select

from hanse_server.stores.models import AlgorithmStore, store_collaboration
from hanse_server.transfer import v4
from hanse_server.transfer.carrying import Import, table


def stores(work: Import) -> dict[int, int]:
    """Carry the stores; gives, for each id of the old database, the id it has now.

    A v4 server has a row for each collaboration that uses a store, and may have the same one twice.
    """
    collaborations = set(work.source.execute(select(v4.collaboration.c.id)).scalars())
    kept: dict[tuple[int | None, str], int] = {}
    ids: dict[int, int] = {}
    for row in work.source.execute(select(v4.store).order_by(v4.store.c.id)).all():
        url = (row.url or "").rstrip("/")
        if not url or (row.collaboration_id is not None and row.collaboration_id not in collaborations):
            continue
        ids[row.id] = kept.setdefault((row.collaboration_id, url), row.id)
        if ids[row.id] != row.id:
            continue
        is_for_all = row.collaboration_id is None
        values = {"id": row.id, "name": row.name or url, "url": url, "is_for_all": is_for_all}
        work.target.execute(insert(table(AlgorithmStore)), values)
        if not is_for_all:
            coupling = {"store_id": row.id, "collaboration_id": row.collaboration_id, "url": url}
            work.target.execute(insert(store_collaboration), coupling)
    work.report.count("algorithm stores", len(kept))
    work.report.note(
        "these algorithm stores are trusted in all collaborations; v4 made such ones also when it deleted "
        "the collaboration of a store, so look whether each is meant to be",
        sorted(url for collaboration, url in kept if collaboration is None),
    )
    return ids
