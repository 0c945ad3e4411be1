"""Inputs and results, however large: as blobs where the server wants them so, else streamed within the answers.

Nothing is held twice: a payload is opened while it arrives, and written while it is sent.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from hanse._large import download, stream, upload
from hanse._modes import Awaiting
from hanse._resource import PER_PAGE
from hanse.encryption import NO_KEY, open_result, seal_input
from hanse_core.crypto import envelope, keys
from hanse_core.crypto.sealer import EnvelopeSealer, Sealer
from hanse_core.crypto.streams import BlobPayload, Opener
from hanse_core.errors import Invalid, Unavailable
from hanse_core.protocol import is_blob_name
from hanse_core.scan import Begin, End, NotJson, Scanner
from hanse_core.wire.accounts import Organization
from hanse_core.wire.tasks import Result

if TYPE_CHECKING:
    from hanse.client import Api

_LONG_BYTES = 1 << 16
"""Longer results are opened while they arrive."""
_REST_BYTES = 1 << 28
"""The most that a page of results may have without the long ones."""


async def place_input(api: Api[Awaiting], plain: bytes, organization: Organization, sealer: Sealer) -> str:
    """Give what stands for an input in a request: the payload itself, or the name of the blob that it was put in."""
    if not await api.session.has_blobs():
        return seal_input(plain, organization, sealer)
    recipient = None
    if isinstance(sealer, EnvelopeSealer):
        try:
            recipient = keys.load_public(organization.public_key)
        except Invalid as error:
            raise Invalid(f"{organization.name}: {error.message}") from error
    payload = BlobPayload(plain, recipient)
    answer = await upload(api.session, "blobstream", payload.pieces, payload.size)
    return str(answer["uuid"])


async def results_of(api: Api[Awaiting], task_id: int) -> dict[int, Any]:
    """Give the results of a task as objects, by run."""
    values: dict[int, Any] = {}
    page: int | None = 1
    while page is not None:
        query = {"task_id": task_id, "page": page, "per_page": PER_PAGE}
        items, has_more = await stream(api.session, "result", query, lambda: _ResultPage(api.sealer))
        for result, value in items:
            values[result.id] = await _blob(api, result) if result.blob_storage_used and result.result else value
        page = page + 1 if has_more else None
    return values


async def _blob(api: Api[Awaiting], result: Result) -> Any:
    name = str(result.result).strip(" \"'")
    if not is_blob_name(name):  # A station wrote it.
        raise Invalid(f"the result of run {result.id} is not the name of a blob")
    sink = _Opened(api.sealer, is_blob=True)
    await download(api.session, f"blobstream/{name}", sink)
    return sink.value()


class _Opened:
    """Collects the message of one payload."""

    def __init__(self, own: EnvelopeSealer | None, *, is_blob: bool) -> None:
        self._own = own
        self._is_blob = is_blob
        self.restart()

    def restart(self) -> None:
        own, is_blob = self._own, self._is_blob
        self._opener = Opener(None, is_blob=is_blob) if own is None else own.opener(is_blob=is_blob)
        self._pieces: list[bytes] = []

    def take(self, chunk: bytes) -> None:
        try:
            self._pieces.append(self._opener.feed(chunk))
        except Invalid as error:
            raise self._explained(error) from error

    def value(self) -> Any:
        """Give the message as an object: None when there is none, bytes when it is no JSON."""
        try:
            self._pieces.append(self._opener.finish())
        except Invalid as error:
            raise self._explained(error) from error
        message = b"".join(self._pieces)
        self._pieces.clear()
        try:
            return json.loads(message) if message else None
        except ValueError:
            pass
        if not self._opener.is_sealed:
            return message
        inner = envelope.without_base64(message)  # of the stock web interface
        return message if inner is message else json.loads(inner)

    def _explained(self, error: Invalid) -> Invalid:
        is_locked = self._own is None and "no key" in error.message
        return Invalid(f"the result {NO_KEY}") if is_locked else error


class _ResultPage:
    """Reads a page of results, and opens those that are long while they arrive."""

    def __init__(self, own: EnvelopeSealer | None) -> None:
        self._own = own
        self._scanner = Scanner(_LONG_BYTES, _REST_BYTES)
        self._secret = secrets.token_hex(8)  # so that no result can pass for the mark of another
        self._long: dict[str, Any] = {}
        self._present: _Opened | None = None

    def feed(self, chunk: bytes) -> None:
        try:
            for piece in self._scanner.feed(chunk):
                if isinstance(piece, Begin):
                    self._present = _Opened(self._own, is_blob=False) if piece.name == "result" else None
                elif isinstance(piece, End):
                    self._close()
                elif self._present is not None:
                    self._present.take(piece)
        except NotJson as error:
            raise Unavailable(f"the server does not answer with results: {error}") from error

    def _close(self) -> None:
        mark = f"{self._secret}-{len(self._long)}"
        self._long[mark], self._present = self._present and self._present.value(), None
        self._scanner.put(mark)

    def finish(self) -> tuple[list[tuple[Result, Any]], bool]:
        """Give the results with their values, and whether there are more pages."""
        try:
            answer = json.loads(self._scanner.finish())
        except ValueError as error:
            raise Unavailable("the server does not answer like a Hanse or vantage6 server") from error
        items = [Result.model_validate(item) for item in answer["data"]]
        return [(item, self._value(item)) for item in items], "next" in answer.get("links", {})

    def _value(self, item: Result) -> Any:
        if item.blob_storage_used:
            return None
        return self._long[item.result] if item.result in self._long else open_result(item.result, self._own)
