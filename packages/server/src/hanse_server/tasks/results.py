"""The result that a node reports: in the body, arrived before it, or uploaded as a blob."""

from collections.abc import Mapping

from hanse_core.wire.tasks import RunPatch
from hanse_server.tasks.inputs import require_only
from hanse_server.tasks.models import Run
from hanse_server.tasks.values import Arrived, Place, Uploader, claim, digest_of, release
from hanse_web.blobs.base import is_key
from hanse_web.work import Work


class ReportedResult:
    """The result of one report, which may be longer than can be held."""

    def __init__(self, work: Work, report: RunPatch, arrived: Mapping[str, Arrived], *, are_blobs: bool) -> None:
        require_only(arrived, [report.result])
        self._work = work
        self._text = report.result
        self._arrived = arrived.get(report.result or "")
        self._are_blobs = are_blobs
        self.report = report
        """The report, in which the digest stands for a result that is not held."""
        if self._arrived is not None:
            self.report = report.model_copy(update={"result": self._arrived.value.digest})

    def stored(self, run: Run) -> str | None:
        """Give the result that a run has so far, or its digest: a repeated report is recognised by it."""
        return digest_of(self._work.session, run.result_key) if run.result_key else run.result

    def give(self, run: Run, uploader: Uploader) -> None:
        """Give a run its result, in place of one that it had."""
        if run.result_key is not None or (run.blob_storage_used and run.result):
            release(self._work, [run.id], "result")
        if self._arrived is not None:
            run.result, run.result_key = None, self._arrived.value.key
            claim(self._work, self._arrived.value.key, Place.VALUES, uploader, run.id, "result")
        else:
            run.result, run.result_key = self._text, None
        # How a result is to be read must be right also where the store was switched on or off since the run began.
        is_blob = self._are_blobs and self._arrived is None and is_key(self._text or "")
        if is_blob:
            claim(self._work, self._text or "", Place.BLOBS, uploader, run.id, "result")
        run.blob_storage_used = is_blob
