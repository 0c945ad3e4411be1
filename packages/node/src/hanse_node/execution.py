"""One run from offer to acknowledgement: does what `runs` says is next, and writes each step down before the next."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from dataclasses import asdict, replace
from pathlib import Path

import structlog

from hanse_core import events
from hanse_core.errors import HanseError, Invalid, NotFound
from hanse_core.states import RunStatus
from hanse_node import copies, ending, run_context, runs
from hanse_node.answering import Answering
from hanse_node.journal import Decision
from hanse_node.judging import Judging, NotAllowed
from hanse_node.killable import Killable, Over
from hanse_node.offers import Offer
from hanse_node.policy.decision import Terms, Verdict
from hanse_node.proxy import tokens
from hanse_node.proxy.relay import ServedRun
from hanse_node.run_log import RunLog
from hanse_node.runs import LocalRun, Phase
from hanse_node.runtimes.base import Context, Door, Exit, ImageMissing, Limits, Mount, RunSpec, StartFailed
from hanse_node.sources import DatabaseUnreadable, Selection, UnknownDatabase
from hanse_node.station import Station
from hanse_node.threads import in_thread

logger = structlog.get_logger()


def _status_of(error: HanseError) -> RunStatus:
    """Give the state in which a run ends that could not start because of this."""
    by_kind = {
        NotAllowed: RunStatus.NOT_ALLOWED,
        ImageMissing: RunStatus.NO_IMAGE,
        StartFailed: RunStatus.START_FAILED,
        UnknownDatabase: RunStatus.START_FAILED,
        DatabaseUnreadable: RunStatus.START_FAILED,
    }
    return next((status for kind, status in by_kind.items() if isinstance(error, kind)), RunStatus.FAILED)


class Execution:
    """The work for one run; made anew from the journal after a restart."""

    def __init__(self, station: Station, run: LocalRun, offer: Offer, verdict: Verdict | None = None) -> None:
        self.run = run
        self.offer = offer
        self._station = station
        self._closed = False
        self._log = logger.bind(run_id=run.run_id, task_id=offer.task_id)
        self._killable = Killable(self._log)
        self._judging = Judging(station, offer, self._killable, verdict)
        self._run_log = RunLog(station, self._log)
        self._answering = Answering(station, offer, self._killable, self._run_log, self._log)
        if run.killed:
            self._killable.kill()

    def kill(self, note: str = "") -> None:
        """End the run, wherever it stands."""
        self._advance(runs.Killed(note), Decision("killed", reason=note or runs.KILL_NOTE))
        self._killable.kill()

    def close(self) -> None:
        """End the run because the server has closed it: no answer is wanted."""
        self._closed = True
        self.kill()

    def nudge(self) -> None:
        """Try again at once what waits for the server."""
        self._killable.nudge()

    async def printed(self) -> bytes:
        """Give what the run has printed so far."""
        return await self._run_log.read(self.run.reference)

    async def live(self) -> None:
        """Bring the run to its end. Raises only when the journal cannot be written."""
        if self.run.phase is Phase.QUEUED:
            await self._judge()
        async with self._slot():
            if self.run.phase is Phase.QUEUED:
                await self._begin()
            if self.run.phase is Phase.RUNNING:
                await self._watch()
        await self._station.proxy.close(self.run.run_id)
        await self._station.ways.close(self.run.run_id)
        if self._closed:
            self._advance(runs.Closed(), Decision("closed", reason="the server had ended it"))
        if self.run.phase is Phase.ENDED:
            await self._seal()
        if self.run.reference is not None:
            await self._run_log.keep(self.run.run_id, self.run.reference)
            await self._quietly(self._station.runtime.remove(self.run.reference))
        if self.run.phase is Phase.SEALED:
            await self._deliver()
        await in_thread(self._station.workspace.clear, self.run.run_id)

    # Start

    async def _judge(self) -> None:
        refusal = await self._judging.refusal()
        if refusal is not None and self.run.phase is Phase.QUEUED:
            self._refuse(*refusal)

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Hold one of the places for top-level runs; what already runs after a restart is not held up."""
        if self.run.phase is not Phase.QUEUED or self.offer.parent is not None:
            yield
            return
        try:
            await self._killable.unless_over(self._station.slots.acquire())
        except Over:
            yield
            return
        try:
            yield
        finally:
            self._station.slots.release()

    async def _begin(self) -> None:
        await self._judge_anew()
        if self.run.phase is Phase.QUEUED:
            await self._try_to_start()

    async def _judge_anew(self) -> None:
        """Judge by the edition in force, when the policy has changed while the run waited or was fetched."""
        if self._judging.is_outdated:
            await self._judge()

    async def _try_to_start(self) -> None:
        try:
            await self._start()
        except Over:
            if self.run.phase is Phase.CLAIMED or not self._closed:
                self._refuse(RunStatus.KILLED, runs.KILL_NOTE)
        except HanseError as error:
            self._refuse(_status_of(error), error.message)
        except Exception as error:
            self._log.exception("start_failed_unexpectedly")
            self._refuse(RunStatus.START_FAILED, f"this node could not start the run ({type(error).__name__})")

    async def _start(self) -> None:
        station, offer = self._station, self.offer
        payload = await self._judging.payload()
        selected = station.sources.select(offer.databases)
        server_token, digest = await self._killable.unless_over(self._claim_and_resolve())
        await self._killable.unless_over(station.runtime.fetch(offer.image, digest))
        await self._judge_anew()
        if self.run.phase is Phase.QUEUED:
            self._judging.require_judged(digest)
            await self._hand_over(payload, selected, server_token, digest)

    async def _hand_over(
        self, payload: bytes | Path, selected: list[Selection], server_token: str, digest: str
    ) -> None:
        """Give the run its folder and its proxy, and the engine the run."""
        station, offer = self._station, self.offer
        token = tokens.issue(station.secret, offer.run_id, server_token)
        context = await in_thread(self._context, payload)
        await in_thread(station.workspace.prepare, offer.run_id, payload, token)
        self._advance(runs.Claimed(), self._claim(digest, selected))
        await self._serve(token, server_token)
        terms = await self._killable.unless_over(station.gate.terms(offer))
        if self.run.phase is not Phase.CLAIMED or self._killable.is_over:
            raise Over
        selected = await in_thread(
            copies.with_copies, selected, terms.writable_databases, station.workspace.folder(offer.run_id)
        )
        if self._killable.is_over:
            raise Over
        doors = await self._killable.unless_over(self._open_ways(terms, selected))
        spec = replace(self._spec(digest, selected, terms, doors), context=context)
        reference = await self._killable.unless_over(self._launch(spec))
        self._advance(runs.Started(reference), Decision("started", reason=station.runtime.holds(spec), digest=digest))
        self._log.info("run_started", image=offer.image, digest=digest, databases=[s.label for s in selected])

    async def _launch(self, spec: RunSpec) -> str:
        async with self._station.starts:
            return await self._station.runtime.start(spec)

    async def _claim_and_resolve(self) -> tuple[str, str]:
        """Ask the server and the engine at the same time; all must agree before anything starts."""
        uplink, offer = self._station.uplink, self.offer
        claimed, token, digest = await asyncio.gather(
            self._killable.insist(lambda: uplink.report(offer.run_id, {"started_at": ending.now()})),
            self._killable.insist(lambda: uplink.container_token(offer.task_id, offer.image)),
            self._station.pins.digest(offer.job_id, offer.image),
            return_exceptions=True,
        )
        if isinstance(claimed, Invalid | NotFound) or isinstance(token, HanseError):
            await self._check_still_open()
        for outcome in (claimed, token, digest):
            if isinstance(outcome, BaseException):
                raise outcome
        return str(token), str(digest)

    async def _check_still_open(self) -> None:
        if not await self._killable.insist(lambda: self._station.uplink.is_open(self.run.run_id)):
            self._closed = True
            raise Over

    async def _serve(self, token: str, server_token: str | None = None) -> None:
        run = ServedRun(self.offer.run_id, self.offer.task_id, self.offer.image, token)
        path = await in_thread(self._station.workspace.socket, self.offer.run_id)
        await self._station.proxy.open(run, path, server_token)

    async def _open_ways(self, terms: Terms, selected: list[Selection]) -> tuple[Door, ...]:
        folder = await in_thread(self._station.workspace.socket, self.offer.run_id)
        return await self._station.ways.open(self.offer.run_id, folder.parent, terms, selected)

    async def _open_ways_again(self) -> None:
        """After a restart, open what the policy gives now, to what the run was given when it started."""
        try:
            terms = await self._station.gate.terms(self.offer)
            await self._open_ways(terms, self._station.sources.select(self.offer.databases))
        except HanseError as error:
            self._log.error("egress_not_opened", cause=error.message)

    def _spec(self, digest: str, selected: list[Selection], terms: Terms, doors: tuple[Door, ...]) -> RunSpec:
        station, offer, limits = self._station, self.offer, self._station.settings.limits
        return RunSpec(
            run_id=offer.run_id,
            task_id=offer.task_id,
            job_id=offer.job_id,
            image=offer.image,
            digest=digest,
            folder=station.workspace.folder(offer.run_id),
            temporary=station.workspace.temporary(offer.job_id),
            proxy_socket=station.workspace.socket(offer.run_id),
            doors=doors,
            mounts=[Mount(**asdict(selection)) for selection in selected],
            environment=station.settings.algorithm_env,
            limits=Limits(**limits.model_dump(exclude={"parallel_runs"})),
            profile=terms.profile.value if terms.profile else None,
            capabilities=tuple(sorted(terms.capabilities)),
        )

    def _context(self, payload: bytes | Path) -> Context | None:
        """Tell what `run_context.json` is to say, where this station's algorithms get one."""
        identity = self._station.uplink.identity
        if not self._station.settings.run_context_file:
            return None
        return run_context.of(identity.node_id, identity.collaboration_id, payload)

    def _claim(self, digest: str, selected: list[Selection]) -> Decision:
        return Decision(
            "claimed", "allowed", self._judging.reason, digest, tuple(selection.label for selection in selected)
        )

    def _refuse(self, status: RunStatus, reason: str) -> None:
        self._log.warning("run_refused", status=status.value, reason=reason, image=self.offer.image)
        self._advance(runs.Refused(status, reason), Decision("refused", status.value, reason))

    # Run

    async def _watch(self) -> None:
        """Stay with the run until it ends; report that it is active, show its log, end it when asked to."""
        station, reference = self._station, self.run.reference or ""
        token = await in_thread(station.workspace.token, self.run.run_id)
        if token is not None:
            await self._serve(token)
        async with asyncio.TaskGroup() as beside:
            work = self._tell(reference), self._stop(reference), self._open_ways_again()
            companions = [beside.create_task(one) for one in work]
            try:
                exited = await station.runtime.wait(reference)
            except HanseError as error:
                self._log.error("engine_failed", cause=error.message)
                exited = Exit(-1, "lost")
            for companion in companions:
                companion.cancel()
        code = f"the algorithm ended with exit code {exited.code}" if exited.code else ""
        note = "; ".join(part for part in (code, exited.note) if part)
        self._advance(runs.Exited(exited.code, exited.reason, note))

    async def _tell(self, reference: str) -> None:
        """Report `active` first: at stock servers that clears the log, so no line may go before it."""
        try:
            await self._killable.insist(
                lambda: self._station.uplink.report(self.run.run_id, {"status": RunStatus.ACTIVE.value})
            )
        except Over:
            return
        except HanseError as error:
            self._log.warning("active_not_accepted", cause=error.message)
            with contextlib.suppress(Over):
                await self._check_still_open()
                return
            self.close()
            return
        await self._announce(RunStatus.ACTIVE)
        if self._run_log.is_shared(await self._station.gate.terms(self.offer)):
            await self._run_log.stream(reference, self._ids())

    async def _stop(self, reference: str) -> None:
        await self._killable.killed()
        while not await self._quietly(self._station.runtime.stop(reference)):
            await self._killable.pause()

    # End

    async def _seal(self) -> None:
        status, decision = await self._answering.seal(self.run)
        self.run = replace(self.run, status=status)
        self._advance(runs.Sealed(), decision)

    async def _deliver(self) -> None:
        status, is_taken = await self._answering.deliver()
        self._closed = self._closed or not is_taken
        self._advance(runs.Delivered(), Decision("closed" if self._closed else "delivered", status.value))
        self._log.info("run_delivered", status=status.value, closed_by_server=self._closed)
        if not self._closed:
            await self._announce(status)

    # Shared

    def _advance(self, event: runs.Event, decision: Decision | None = None) -> None:
        """Take a step and write it down; an exit needs no line, since the engine will tell it again."""
        following = runs.advance(self.run, event)
        if following != self.run and not isinstance(event, runs.Exited):
            self._station.journal.save(following, self.offer, decision)
        self.run = following

    async def _announce(self, status: RunStatus) -> None:
        identity = self._station.uplink.identity
        about = {
            **self._ids(),
            "status": status.value,
            "node_id": identity.node_id,
            "organization_id": identity.organization_id,
            "parent_id": self.offer.parent,
        }
        await self._station.uplink.emit(events.RUN_STATUS_CHANGED, about)

    def _ids(self) -> dict[str, object]:
        collaboration_id = self._station.uplink.identity.collaboration_id
        return {"run_id": self.run.run_id, "task_id": self.offer.task_id, "collaboration_id": collaboration_id}

    async def _quietly(self, work: Awaitable[None]) -> bool:
        try:
            await work
        except HanseError as error:
            self._log.error("engine_failed", cause=error.message)
            return False
        return True
