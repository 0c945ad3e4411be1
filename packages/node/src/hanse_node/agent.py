"""The loop of a node: a doorbell, a timer or a new connection leads to the open runs, a plan, and its actions."""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from hanse_core import events
from hanse_core.errors import HanseError
from hanse_core.states import RunStatus
from hanse_node import ending, memory, runs
from hanse_node.backoff import Backoff
from hanse_node.errors import WrongKey
from hanse_node.execution import Execution
from hanse_node.journal import Decision
from hanse_node.kept_logs import KeptLogs
from hanse_node.offers import Offer
from hanse_node.policy.decision import Verdict
from hanse_node.policy.model import Policies
from hanse_node.reconcile import Action, Deliver, Forget, Refuse, Report, Start, Stop, plan
from hanse_node.runs import LocalRun, Phase
from hanse_node.station import Station
from hanse_node.threads import in_thread
from hanse_node.uplink.base import Heard, Kill

RECONCILE_SECONDS = 60.0
log = structlog.get_logger()


class Agent:
    """Keeps a station in line with what its server wants."""

    def __init__(self, station: Station, reconcile_seconds: float = RECONCILE_SECONDS) -> None:
        self._station = station
        self._seconds = reconcile_seconds
        self._executions: dict[int, Execution] = {}
        self._offers: dict[int, Offer] = {}
        self._delivered: dict[int, float] = {}
        self._unclaimed: dict[int, str] | None = None
        """References of runs that the engine knows but the journal does not; None before the engine was asked."""
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._worked = False
        self._heard = ""
        """When the server last told what is to be done."""
        self._shared_edition = station.gate.rulebook.edition.number
        self._sharing = asyncio.Lock()

    async def run(self) -> None:
        """Work until cancelled. Raises `WrongKey` when the server no longer knows this node."""
        async with self._group:
            self._task(self._station.uplink.listen())
            self._task(self._station.gate.rulebook.watch(self._station.uplink.bell.ring))
            gone = await self._loop()
            for task in self._tasks:
                task.cancel()
        raise gone

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _loop(self) -> WrongKey:
        backoff = Backoff(1.0, self._seconds)
        while True:
            wait = self._seconds
            try:
                await self.reconcile()
                self._heard = datetime.now(UTC).isoformat(timespec="seconds")
                backoff.reset()
            except WrongKey as gone:
                return gone
            except (HanseError, OSError) as error:
                wait = backoff.next_pause()
                log.warning("reconcile_failed", cause=str(error), again_in=round(wait, 1))
            except Exception:
                wait = backoff.next_pause()
                log.exception("reconcile_failed_unexpectedly", again_in=round(wait, 1))
            heard = await self._station.uplink.bell.heard(wait)
            for kill in heard.kills:
                self._kill(kill)
            self._told(heard)

    def _told(self, heard: Heard) -> None:
        """Share again what the server has forgotten, or what is no longer true."""
        if heard.synced:
            for execution in self._executions.values():
                execution.nudge()
        edition = self._station.gate.rulebook.edition.number
        if heard.synced or self._shared_edition != edition:
            self._shared_edition = edition
            self._task(self._share())

    async def reconcile(self) -> None:
        """Compare once what the server wants with what is here, and act on the difference."""
        await self._revive()
        began = asyncio.get_running_loop().time()
        offers = {offer.run_id: offer for offer in await self._station.uplink.open_runs()}
        for run_id in [run_id for run_id, at in self._delivered.items() if at < began]:
            del self._delivered[run_id]
        self._offers = {run_id: offer for run_id, offer in offers.items() if run_id not in self._delivered}
        tombstones = {i: run for i, run in self._station.journal.find(self._offers).items() if run.is_over}
        actual = tombstones | {i: execution.run for i, execution in self._executions.items()}
        wanted = {run_id: self._station.gate.at_sight(offer) for run_id, offer in self._offers.items()}
        for action in plan(wanted, actual):
            self._do(action, wanted)
        await self._tidy()

    async def _share(self) -> None:
        """Tell the server what this node is willing to tell about itself; runs do not wait for a slow database."""
        async with self._sharing:
            if self._station.settings.share_config:
                info = await in_thread(_shared, self._station)
                await self._station.uplink.emit(events.NODE_INFO, info)

    def overview(self) -> dict[str, object]:
        """Say how this node is, for whoever asks on this machine."""
        identity, edition = self._station.uplink.identity, self._station.gate.rulebook.edition
        return {
            "organization": identity.organization,
            "collaboration": identity.collaboration_id,
            "encrypted": identity.encrypted,
            "server_heard": self._heard,
            "live_events": self._station.uplink.live,
            "policy": edition.problem or f"in force (edition {edition.number})",
            "runs": sorted(self._executions),
        }

    def end(self, run_id: int) -> bool:
        """End a run because the station's administrator says so; tell whether it was there."""
        execution = self._executions.get(run_id)
        if execution is not None:
            log.info("run_killed", run_id=run_id, by="administrator")
            execution.kill("stopped by the administrator of this station")
        return execution is not None

    async def printed(self, run_id: int) -> bytes | None:
        """Give what a run has printed so far; None when it does not run here."""
        execution = self._executions.get(run_id)
        return None if execution is None else await execution.printed()

    def _do(self, action: Action, wanted: Mapping[int, Verdict]) -> None:
        match action:
            case Start(run_id) | Refuse(run_id):
                self._begin(self._offers[run_id], wanted[run_id])
            case Stop(run_id):
                self._task(self._stop(run_id))
            case Deliver(run_id):
                if execution := self._executions.get(run_id):
                    execution.nudge()
            case Report(run_id):
                self._task(self._report(run_id))
            case Forget(run_id):
                log.debug("run_forgotten", run_id=run_id)

    def _begin(self, offer: Offer, verdict: Verdict) -> None:
        run = LocalRun(offer.run_id)
        unclaimed = self._unclaimed or {}
        if (reference := unclaimed.get(offer.run_id)) is not None:
            log.warning("run_adopted_without_record", run_id=offer.run_id)
            run = runs.advance(runs.advance(run, runs.Claimed()), runs.Started(reference))
            self._station.journal.save(run, offer, Decision("adopted", reason="it ran, but the journal was lost"))
            del unclaimed[offer.run_id]
        self._spawn(Execution(self._station, run, offer, verdict))

    def _spawn(self, execution: Execution) -> None:
        self._executions[execution.run.run_id] = execution
        self._worked = True
        self._task(self._live(execution))

    async def _live(self, execution: Execution) -> None:
        run_id = execution.run.run_id
        try:
            await execution.live()
        except Exception:
            log.exception("run_interrupted", run_id=run_id)
        finally:
            self._delivered[run_id] = asyncio.get_running_loop().time()
            self._executions.pop(run_id, None)

    async def _revive(self) -> None:
        """Take up again what the journal knows as unfinished: after a restart, or after something went wrong here."""
        known = self._station.journal.unfinished()
        lost = [(run, offer) for run, offer in known if run.run_id not in self._executions]
        if self._unclaimed is None or any(run.phase is Phase.CLAIMED for run, _ in lost):
            references = dict(await self._station.runtime.adopt())
            lost = [(runs.recovered(run, references.get(run.run_id)), offer) for run, offer in lost]
            if self._unclaimed is None:
                recorded = {run.run_id for run, _ in known}
                self._unclaimed = {i: reference for i, reference in references.items() if i not in recorded}
        for run, offer in lost:
            self._take_up(run, offer)

    def _take_up(self, run: LocalRun, offer: Offer) -> None:
        """A run that had not started yet waits for being offered again: its input is only there."""
        if run.phase is Phase.QUEUED:
            return
        log.info("run_taken_up", run_id=run.run_id, phase=run.phase.value)
        self._spawn(Execution(self._station, run, offer))

    def _kill(self, kill: Kill) -> None:
        for run_id, execution in list(self._executions.items()):
            if kill.run_ids is None or run_id in kill.run_ids:
                log.info("run_killed", run_id=run_id)
                execution.kill()

    async def _stop(self, run_id: int) -> None:
        """End a run that was not among the open ones, if the server says so when asked for just this one."""
        try:
            closed = not await self._station.uplink.is_open(run_id)
        except HanseError as error:
            log.warning("stop_unconfirmed", run_id=run_id, cause=error.message)
            return
        if closed and (execution := self._executions.get(run_id)):
            log.info("run_closed_by_server", run_id=run_id)
            execution.close()

    async def _report(self, run_id: int) -> None:
        log.warning("run_offered_again", run_id=run_id)
        again = ending.answer(RunStatus.FAILED, "", ending.note_line("this station has already answered this run once"))
        with contextlib.suppress(HanseError):
            await self._station.uplink.report(run_id, again)

    async def _tidy(self) -> None:
        """Remove what nobody needs any more; after a restart also what is left of runs that have ended."""
        workspace, unclaimed = self._station.workspace, self._unclaimed or {}
        for run_id, reference in unclaimed.items():
            log.info("stray_run_removed", run_id=run_id)
            await self._station.runtime.stop(reference)
            await self._station.runtime.remove(reference)
        self._unclaimed = {}
        unfinished = {run.run_id for run, _ in self._station.journal.unfinished()}
        for run_id in await in_thread(workspace.strays, {*self._executions, *self._offers, *unfinished}):
            await in_thread(workspace.clear, run_id)
        busy = {e.offer.job_id for e in self._executions.values()} | {o.job_id for o in self._offers.values()}
        await in_thread(workspace.clear_jobs, busy)
        await in_thread(KeptLogs.of(self._station.settings).tidy)
        if self._worked and not self._executions:
            self._worked = False
            memory.trim()


def _shared(station: Station) -> dict[str, object]:
    """What restricts comes first: servers keep so many entries only, and a table may have many columns."""
    policies = station.gate.rulebook.edition.policies
    info: dict[str, object] = {"encryption": station.vault.encrypted}
    info["allowed_algorithms"] = _allowed_algorithms(policies)
    if policies and policies.allowed_users:
        info["allowed_users"] = list(policies.allowed_users)
    if policies and policies.allowed_organizations:
        info["allowed_orgs"] = list(policies.allowed_organizations)
    return info | station.sources.shared()


def _allowed_algorithms(policies: Policies | None) -> list[str] | str:
    if policies is None:
        return []
    if policies.accept_v4_defaults and policies.allowed_algorithms is None:
        return "all"
    return list(policies.allowed_algorithms or ())
