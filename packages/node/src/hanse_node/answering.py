"""The answer to one run: checked and sealed for who asked, kept on disk, and sent until the server has it."""

from functools import partial
from io import SEEK_END, BytesIO
from typing import Any

from hanse_core.errors import HanseError, Invalid, NotFound
from hanse_core.states import RunStatus
from hanse_node import blobs, ending
from hanse_node.journal import Decision
from hanse_node.judging import recipient
from hanse_node.killable import Killable
from hanse_node.offers import Offer
from hanse_node.policy import results
from hanse_node.policy.decision import Terms
from hanse_node.run_log import RunLog
from hanse_node.runs import LocalRun
from hanse_node.station import Station
from hanse_node.threads import in_thread
from hanse_node.workspace import OUTPUT


class Answering:
    """The way of one run's answer to the server; what is on disk goes on after a restart."""

    def __init__(self, station: Station, offer: Offer, killable: Killable, run_log: RunLog, log: Any) -> None:
        self._station = station
        self._offer = offer
        self._killable = killable
        self._run_log = run_log
        self._log = log

    async def seal(self, run: LocalRun) -> tuple[RunStatus, Decision]:
        """Put what the server is to get on disk; give how the run has ended, and the line for the record."""
        station = self._station
        status, notes = run.status or RunStatus.UNKNOWN_ERROR, [run.note] if run.note else []
        # A run that never started has nothing that could leave, so its refusal waits for no policy.
        terms = await station.gate.terms(self._offer) if run.reference else Terms()
        try:
            result, size = await self._sealed(run, notes, terms)
        except (ending.OutputUnusable, results.ResultRefused, OSError, Invalid, NotFound) as error:
            status, result, size = RunStatus.FAILED if status is RunStatus.COMPLETED else status, "", 0
            await self._forget_blob()
            notes.append(str(error))
        printed = await self._run_log.read(run.reference)
        if status is RunStatus.CRASHED and (kind := ending.kind_of_error(printed)):
            notes.append(f"kind of error: {kind}")
        log = ending.log_text(printed, notes, share=self._run_log.is_shared(terms) or not run.reference)
        await in_thread(station.workspace.keep_answer, run.run_id, ending.answer(status, result, log))
        return status, Decision("ended", status.value, "; ".join(notes) or None, bytes_out=size)

    async def deliver(self) -> tuple[RunStatus, bool]:
        """Send what is on disk until the server has it, or has closed the run by itself.

        Gives the status that was sent, and whether the server took it.
        """
        answer = await in_thread(self._station.workspace.answer, self._offer.run_id)
        if answer is None:
            self._log.error("answer_lost")
            answer = ending.failed("the answer of this run was lost at the node")
        is_open = partial(self._station.uplink.is_open, self._offer.run_id)
        while True:
            status = RunStatus(answer["status"])
            try:
                await self._killable.insist(partial(self._send, answer), even_if_over=True)
                return status, True
            except HanseError as error:
                if not await self._killable.insist(is_open, even_if_over=True):
                    return status, False
                self._log.error("answer_refused", cause=error.message)
                if status is RunStatus.FAILED and not answer["result"]:
                    return status, True
                answer = ending.failed(f"the server did not accept the answer: {error.message}", after=answer)
                await self._forget_blob()

    async def _sealed(self, run: LocalRun, notes: list[str], terms: Terms) -> tuple[str, int]:
        """Seal what the algorithm wrote, in a file of its own for the blob store; give what is in the answer itself."""
        station = self._station
        key = await recipient(station, self._offer, self._killable)
        if run.reference and station.uplink.has_blobs:
            size = await in_thread(self._write_blob, terms, key)
            if size:
                return "", size
        result = station.vault.seal(await self._output(run, notes, terms), key)
        return result, len(result)

    def _write_blob(self, terms: Terms, key: str) -> int:
        workspace, limit = self._station.workspace, self._station.settings.limits.output_bytes
        with ending.opened_output(workspace.folder(self._offer.run_id) / OUTPUT, limit) as output:
            size = output.seek(0, SEEK_END)
            output.seek(0)
            results.require_size(size, terms)
            plain = BytesIO(results.checked(output.read(), terms)) if results.has_form(terms) else output
            blob = workspace.blob(self._offer.run_id)
            return blobs.write(plain, self._station.vault.writer(key), blob) if size else 0

    async def _output(self, run: LocalRun, notes: list[str], terms: Terms) -> bytes:
        if run.reference is None:
            return b""
        path = self._station.workspace.folder(run.run_id) / OUTPUT
        output = await in_thread(ending.read_output, path, self._station.settings.limits.output_bytes)
        if not output and run.status is RunStatus.COMPLETED:
            notes.append("the algorithm ended well but wrote no result")
        return await in_thread(results.checked, output, terms)

    async def _send(self, answer: dict[str, Any]) -> None:
        """Report the end; a result for the blob store is uploaded before, again when anything of it got lost."""
        blob = self._station.workspace.blob(self._offer.run_id)
        if await in_thread(blob.exists):
            answer = {**answer, "result": await blobs.send(self._station.uplink, blob)}
        await self._station.uplink.report(self._offer.run_id, answer)

    async def _forget_blob(self) -> None:
        await in_thread(self._station.workspace.blob(self._offer.run_id).unlink, missing_ok=True)
