"""The long columns of runs, as they are written into answers of any length without being held all together."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_server.tasks.models import Run
from hanse_server.tasks.values import Place, Values
from hanse_web.holes import Holes, Source
from hanse_web.work import Works

AT_ONCE = 10
"""Of how many runs the texts are held at the same time. Each text is short (`values.inline_bytes`, or a log)."""
_KEYS = {"input": Run.input_key, "result": Run.result_key}


class Texts:
    """Gives the texts of the runs of one answer, or holes that are filled while it is sent."""

    def __init__(self, values: Values) -> None:
        self.holes = Holes()
        self._values = values

    @property
    def are_blobs(self) -> bool:
        """Tell whether inputs and results are blobs, of which only the UUID is a text."""
        return self._values.has_blobs

    def of(self, session: Session, runs: Sequence[Run], *fields: str) -> Mapping[int, Mapping[str, str | None]]:
        """Give the values of some fields by run; in one statement."""
        ids = [run.id for run in runs]
        are_few = len(ids) <= AT_ONCE
        later = _Later(self._values.works, ids, fields)
        columns = [getattr(Run, name) if are_few else getattr(Run, name).is_not(None).label(name) for name in fields]
        keys = [_KEYS[name].label(f"{name}_key") for name in fields if name in _KEYS]
        found = session.execute(select(Run.id, *columns, *keys).where(Run.id.in_(ids)))
        return {row.id: {name: self._text(row, name, later, are_few) for name in fields} for row in found}

    def _text(self, row: Any, name: str, later: "_Later", is_here: bool) -> str | None:
        key: str | None = getattr(row, f"{name}_key", None)
        if key is not None:
            return self.holes.leave(lambda: self._values.read(Place.VALUES, key))
        text: Any = getattr(row, name)
        if is_here:
            return str(text) if text is not None else None
        return self.holes.leave(later.source(row.id, name)) if text else None


class _Later:
    """Reads the columns of many runs while the answer is sent, a few runs at a time."""

    def __init__(self, works: Works, ids: Sequence[int], fields: Sequence[str]) -> None:
        self._works = works
        self._places = {run_id: place for place, run_id in enumerate(ids)}
        self._ids = ids
        self._fields = fields
        self._loaded: Mapping[int, Any] = {}

    def source(self, run_id: int, field: str) -> Source:
        async def read() -> AsyncIterator[bytes]:
            row = await self._row(run_id)
            text: str | None = getattr(row, field, None)
            if text:
                yield text.encode()

        return read

    async def _row(self, run_id: int) -> Any:
        if run_id not in self._loaded:
            start = self._places[run_id] // AT_ONCE * AT_ONCE
            ids = self._ids[start : start + AT_ONCE]
            async with self._works.open(write=False) as work:
                self._loaded = await to_thread.run_sync(self._load, work.session, ids)
        return self._loaded.get(run_id)

    def _load(self, session: Session, ids: Sequence[int]) -> Mapping[int, Any]:
        columns = [getattr(Run, name) for name in self._fields]
        found = session.execute(select(Run.id, *columns).where(Run.id.in_(ids)))
        # Runs that were removed meanwhile are remembered as such, too.
        return {**dict.fromkeys(ids), **{row.id: row for row in found}}


async def _texts(request: Request) -> Texts:
    return Texts(request.app.state.values)


AnswerTexts = Annotated[Texts, Depends(_texts)]
"""The long texts of the answer to one request."""
