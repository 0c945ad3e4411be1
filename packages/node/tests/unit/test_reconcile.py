"""The plan, in single cases and as part of a node that loses messages, restarts and hears everything late."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hanse_core.states import RunStatus
from hanse_node import runs
from hanse_node.policy.decision import Verdict, allowed, denied
from hanse_node.reconcile import Action, Deliver, Forget, Refuse, Report, Start, Stop, plan
from hanse_node.runs import LocalRun, Phase

YES, NO = allowed("list", "allowed"), denied("list", "not here")


def local(phase: Phase, **more: object) -> LocalRun:
    return LocalRun(1, phase, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "run", "action"),
    [
        (YES, None, Start(1)), (NO, None, Refuse(1, str(NO))), (YES, local(Phase.QUEUED), None),
        (YES, local(Phase.RUNNING), None), (NO, local(Phase.RUNNING), None), (YES, local(Phase.ENDED), None),
        (YES, local(Phase.SEALED), Deliver(1)), (None, local(Phase.SEALED), Deliver(1)),
        (YES, local(Phase.DELIVERED), Report(1)), (None, local(Phase.DELIVERED), Forget(1)),
        (None, local(Phase.QUEUED), Stop(1)), (None, local(Phase.CLAIMED), Stop(1)),
        (None, local(Phase.RUNNING), Stop(1)), (None, local(Phase.RUNNING, killed=True), None),
        (None, local(Phase.ENDED), None),
    ],
)  # fmt: skip
def test_each_difference_has_its_action(wanted: Verdict | None, run: LocalRun | None, action: Action | None) -> None:
    found = plan({} if wanted is None else {1: wanted}, {} if run is None else {1: run})
    assert found == ([] if action is None else [action])


def test_older_runs_come_first() -> None:
    assert plan({9: YES, 3: NO, 5: YES}, {}) == [Start(3) if NO.allowed else Refuse(3, str(NO)), Start(5), Start(9)]


@dataclass
class ModelServer:
    """Which runs exist, and which are finished by what."""

    finished: dict[int, str | None] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)

    def open(self) -> frozenset[int]:
        return frozenset(run_id for run_id, by in self.finished.items() if by is None)

    def report(self, run_id: int) -> None:
        if self.finished[run_id] is None:
            self.finished[run_id] = "node"
            self.answers[run_id] = self.answers.get(run_id, 0) + 1


class Federation(RuleBasedStateMachine):
    """A server and a node whose lists are late, whose messages get lost, and which is killed again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.server = ModelServer()
        self.journal: dict[int, LocalRun] = {}
        self.engine: dict[int, bool] = {}
        self.executed: dict[int, int] = {}
        self.lists: list[frozenset[int]] = [frozenset()]
        self.next_id = 1

    # The world

    @rule()
    def a_user_asks(self) -> None:
        self.server.finished[self.next_id] = None
        self.next_id += 1

    @precondition(lambda self: self.server.open())
    @rule(data=st.data(), told=st.booleans())
    def a_user_kills(self, data: st.DataObject, told: bool) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.server.open())))
        self.server.finished[run_id] = "user"
        if told and run_id in self.journal:
            self.step(run_id, runs.Killed())
            self.stop(run_id)

    @precondition(lambda self: any(self.engine.values()))
    @rule(data=st.data())
    def an_algorithm_ends(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(i for i, runs_on in self.engine.items() if runs_on)))
        self.engine[run_id] = False

    # The node

    def step(self, run_id: int, event: runs.Event) -> None:
        self.journal[run_id] = runs.advance(self.journal[run_id], event)

    def stop(self, run_id: int) -> None:
        if run_id in self.engine:
            self.engine[run_id] = False

    @rule()
    def the_list_is_read(self) -> None:
        self.lists.append(self.server.open())

    @rule(data=st.data())
    def the_node_acts_on_some_list(self, data: st.DataObject) -> None:
        self.act(data.draw(st.sampled_from(self.lists)))

    def act(self, listed: frozenset[int]) -> None:
        for action in plan({run_id: YES for run_id in listed}, self.journal):
            self.do(action)

    def do(self, action: Action) -> None:
        match action:
            case Start(run_id):
                self.journal[run_id] = LocalRun(run_id)
            case Stop(run_id) if self.server.finished[run_id] is not None:
                self.step(run_id, runs.Killed())
                self.stop(run_id)
            case Report(run_id):
                self.server.report(run_id)
            case _:
                return

    @precondition(lambda self: self.in_phase(Phase.QUEUED))
    @rule(data=st.data())
    def a_run_is_claimed(self, data: st.DataObject) -> None:
        self.step(self.one(data, Phase.QUEUED), runs.Claimed())

    @precondition(lambda self: self.in_phase(Phase.CLAIMED))
    @rule(data=st.data(), noted=st.booleans())
    def a_run_is_started(self, data: st.DataObject, noted: bool) -> None:
        """Without `noted`, the node dies between the engine's start and the line in the journal."""
        run_id = self.one(data, Phase.CLAIMED)
        if run_id in self.engine:
            return
        if self.journal[run_id].killed:
            self.step(run_id, runs.Refused(RunStatus.KILLED, ""))
            return
        self.engine[run_id] = True
        self.executed[run_id] = self.executed.get(run_id, 0) + 1
        if noted:
            self.step(run_id, runs.Started(str(run_id)))
        else:
            self.the_node_restarts()

    @precondition(lambda self: self.in_phase(Phase.RUNNING))
    @rule(data=st.data())
    def an_end_is_noticed(self, data: st.DataObject) -> None:
        run_id = self.one(data, Phase.RUNNING)
        if not self.engine[run_id]:
            self.step(run_id, runs.Exited(0))

    @precondition(lambda self: self.in_phase(Phase.ENDED))
    @rule(data=st.data())
    def an_answer_is_sealed(self, data: st.DataObject) -> None:
        self.step(self.one(data, Phase.ENDED), runs.Sealed())

    @precondition(lambda self: self.in_phase(Phase.SEALED))
    @rule(data=st.data(), arrives=st.booleans(), acknowledged=st.booleans())
    def an_answer_is_sent(self, data: st.DataObject, arrives: bool, acknowledged: bool) -> None:
        run_id = self.one(data, Phase.SEALED)
        if arrives:
            self.server.report(run_id)
            if acknowledged:
                self.step(run_id, runs.Delivered())

    @rule()
    def the_node_restarts(self) -> None:
        found = {i: runs.recovered(run, str(i) if i in self.engine else None) for i, run in self.journal.items()}
        self.journal = {i: run for i, run in found.items() if run.phase is not Phase.QUEUED}

    def in_phase(self, phase: Phase) -> list[int]:
        return sorted(i for i, run in self.journal.items() if run.phase is phase)

    def one(self, data: st.DataObject, phase: Phase) -> int:
        return data.draw(st.sampled_from(self.in_phase(phase)))

    # What must hold

    @invariant()
    def no_run_is_executed_twice(self) -> None:
        assert all(count == 1 for count in self.executed.values())

    @invariant()
    def no_run_is_answered_twice(self) -> None:
        assert all(count == 1 for count in self.server.answers.values())

    def teardown(self) -> None:
        """With a line that works again, every run comes to its end, and nothing goes on in the engine."""
        for _ in range(3):
            self.act(self.server.open())
            for run_id in list(self.journal):
                self.finish(run_id)
        assert not self.server.open()
        assert not any(self.engine.values())

    def finish(self, run_id: int) -> None:
        self.step(run_id, runs.Claimed())
        if self.journal[run_id].phase is Phase.CLAIMED and run_id not in self.engine:
            self.engine[run_id] = True
            self.executed[run_id] = self.executed.get(run_id, 0) + 1
        self.step(run_id, runs.Started(str(run_id)))
        self.stop(run_id)
        for event in (runs.Exited(0), runs.Sealed()):
            self.step(run_id, event)
        if self.journal[run_id].phase is Phase.SEALED:
            self.server.report(run_id)
            self.step(run_id, runs.Delivered())
        self.no_run_is_executed_twice()


TestFederation = Federation.TestCase
TestFederation.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_wanted_mapping_is_not_changed() -> None:
    wanted: Mapping[int, Verdict] = {1: YES}
    plan(wanted, {2: LocalRun(2)})
    assert wanted == {1: YES}
