"""What the database keeps in step by itself: the status of tasks, and how many there are."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from hanse_core.states import RunStatus, task_status
from hanse_server import migrations
from hanse_server.accounts.models import Identity, Organization
from hanse_server.checks import examine
from hanse_server.collaborations.models import Collaboration, Study
from hanse_server.main import migrate
from hanse_server.settings import Settings
from hanse_server.tasks import kept
from hanse_server.tasks.models import Job, Run, Task, TaskCount

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
MOVES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(list(RunStatus)), st.booleans()), max_size=8)


@pytest.fixture
def add(world: Any, session: Session) -> Callable[..., Task]:
    """Store a task with runs of these states."""

    def store(*statuses: RunStatus, **fields: Any) -> Task:
        job = Job()
        session.add(job)
        session.flush()
        task = Task(job_id=job.id, image="i", created_at=MOMENT, **{"collaboration_id": world.main.id, **fields})
        task.runs = [
            Run(organization_id=world.alpha.id, status=status.value, assigned_at=MOMENT) for status in statuses
        ]
        session.add(task)
        session.flush()
        session.refresh(task)
        return task

    return store


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_under_any_order_of_moves_the_stored_status_is_the_derived_one(
    session: Session, add: Callable[..., Task], moves: list[tuple[int, RunStatus, bool]]
) -> None:
    task = add(RunStatus.PENDING, RunStatus.PENDING, RunStatus.PENDING)
    runs = {run.id: (RunStatus.PENDING, None) for run in task.runs}
    assert task.status == "pending"
    for place, status, is_removed in moves:
        run_id = task.runs[place].id
        end = MOMENT.replace(hour=place) if status.is_finished else None
        if is_removed:
            session.execute(delete(Run).where(Run.id == run_id))
            runs.pop(run_id, None)
        elif run_id in runs:
            session.execute(update(Run).where(Run.id == run_id).values(status=status.value, finished_at=end))
            runs[run_id] = (status, end)
        stored = session.execute(select(Task.status, Task.finished_at).where(Task.id == task.id)).one()
        expected = task_status(status for status, _ in runs.values())
        ends = [end for _, end in runs.values() if end]
        assert stored.status == expected.value
        assert stored.finished_at == (max(ends) if ends and expected is RunStatus.COMPLETED else None)
    assert kept.differences(session.connection()) == 0
    session.rollback()


def test_the_numbers_follow_every_cascade(session: Session, world: Any, add: Callable[..., Task]) -> None:
    alice, gary = world.users["alice"], world.users["gary"]
    own = {"init_org_id": world.alpha.id, "init_user_id": alice.id}
    top = add(**own, study_id=world.study.id)
    child = add(**own, parent_id=top.id)
    add(**own, parent_id=child.id)
    add(**own)
    add(init_org_id=world.gamma.id, init_user_id=gary.id, collaboration_id=world.other.id)

    def numbers() -> tuple[int, int]:
        assert kept.differences(session.connection()) == 0
        stored = session.scalar(select(func.coalesce(func.sum(TaskCount.total), 0)))
        return stored, session.scalar(select(func.count()).select_from(Task)) or 0

    assert numbers() == (5, 5)
    session.execute(delete(Study).where(Study.id == world.study.id))
    assert numbers() == (2, 2), "a task of the study goes with its child and grandchild"
    session.execute(delete(Identity).where(Identity.id == alice.id))
    assert numbers() == (2, 2)
    assert session.scalar(select(TaskCount.total).where(TaskCount.init_org_id == world.alpha.id)) == 1
    session.execute(delete(Organization).where(Organization.id == world.alpha.id))
    assert numbers() == (1, 1)
    session.execute(delete(Collaboration).where(Collaboration.id == world.other.id))
    assert numbers() == (0, 0)
    session.rollback()


def test_removing_an_organization_settles_the_tasks_of_others(
    session: Session, world: Any, add: Callable[..., Task]
) -> None:
    task = add(RunStatus.FAILED, init_org_id=world.beta.id)
    session.add(Run(task_id=task.id, organization_id=world.beta.id, status="active", assigned_at=MOMENT))
    session.flush()
    session.execute(delete(Organization).where(Organization.id == world.alpha.id))
    assert session.scalar(select(Task.status).where(Task.id == task.id)) == "active"
    session.rollback()


def test_what_is_out_of_step_is_found_and_repaired(session: Session, engine: Engine, add: Callable[..., Task]) -> None:
    add(RunStatus.ACTIVE)
    assert kept.differences(session.connection()) == 0
    session.execute(update(Task).values(status="completed"))
    session.execute(delete(TaskCount))
    assert kept.differences(session.connection()) == 2
    kept.repair(session.connection())
    assert kept.differences(session.connection()) == 0
    assert session.scalar(select(Task.status)) == "active"
    session.rollback()


@pytest.mark.parametrize("database", [pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def test_who_makes_a_task_does_not_wait_for_one_that_is_not_committed(
    session: Session, engine: Engine, world: Any, add: Callable[..., Task]
) -> None:
    add(RunStatus.PENDING)
    session.commit()
    add(RunStatus.PENDING)
    with Session(engine) as other:
        other.execute(text("SET LOCAL lock_timeout = '1ms'"))
        copied = {"job_id": 1, "image": "i", "created_at": MOMENT, "collaboration_id": world.main.id}
        other.execute(insert(Task).values(copied))
        session.commit()
        other.commit()
    assert kept.differences(session.connection()) == 0
    assert session.scalar(select(func.sum(TaskCount.total))) == 3


OLD_TRIGGER = {
    "sqlite": ["CREATE TRIGGER hanse_kept_old AFTER DELETE ON task BEGIN SELECT 1; END"],
    "postgresql": [
        "CREATE FUNCTION hanse_kept_old() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER hanse_kept_old AFTER DELETE ON task FOR EACH ROW EXECUTE FUNCTION hanse_kept_old()",
    ],
}


def test_triggers_of_another_version_are_replaced_at_the_next_start(engine: Engine) -> None:
    with engine.begin() as connection:
        kept.remove(connection)
        for statement in OLD_TRIGGER[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        assert not kept.is_current(connection)
    migrations.upgrade(engine)
    with engine.connect() as connection:
        assert kept.is_current(connection)


def test_check_names_what_is_out_of_step_and_migrate_repairs_it(
    settings: Settings, engine: Engine, session: Session, add: Callable[..., Task]
) -> None:
    add(RunStatus.ACTIVE)
    session.execute(update(Task).values(status="completed"))
    session.commit()
    assert [told for told in examine(settings).warnings if "hanse server migrate" in told]
    migrate(settings)
    assert not [told for told in examine(settings).warnings if "hanse server migrate" in told]
