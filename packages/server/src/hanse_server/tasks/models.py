"""Tables of tasks, runs and what belongs to them."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hanse_core.states import RunStatus
from hanse_server.accounts.models import Organization, User
from hanse_server.collaborations.models import Collaboration, Study
from hanse_server.stores.models import AlgorithmStore
from hanse_web.db import Base, UtcDateTime

NAME_INDEX = "ix_task_name"


class Job(Base):
    """One computation: the task of a user and all its descendants. Gives out the job ids."""

    __tablename__ = "job"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)


class Task(Base):
    """A question to one or more organizations; its state follows from its runs."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_collaboration_id_id", "collaboration_id", "id"),
        # With all that decides who sees a task, so that counting by status needs nothing else.
        Index("ix_task_status_id", "status", "id", "collaboration_id", "init_org_id", "init_user_id"),
        Index("ix_task_job_id_status", "job_id", "status"),
        # All names with all that decides who sees them, so that SQLite reads no task to search them; PostgreSQL has
        # `text_index`, and takes no long texts in an index like this one.
        Index(NAME_INDEX, "name", "collaboration_id", "study_id", "init_org_id", "init_user_id").ddl_if(
            dialect="sqlite"
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    image: Mapped[str]
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    collaboration_id: Mapped[int] = mapped_column(ForeignKey("collaboration.id", ondelete="CASCADE"))
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    init_org_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    init_user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    algorithm_store_id: Mapped[int | None] = mapped_column(
        ForeignKey("algorithm_store.id", ondelete="SET NULL"), index=True
    )
    """The store that said which image this is, by digest."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    """Who asked and the key they gave, so that a repeated request finds its task instead of making a second."""
    status: Mapped[str] = mapped_column(default=RunStatus.COMPLETED.value)
    """Follows from the runs (`hanse_core.states.task_status`); kept by the database itself, see `tasks.kept`."""
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the last run ended, of completed tasks; kept like the status."""

    collaboration: Mapped[Collaboration] = relationship()
    study: Mapped[Study | None] = relationship()
    parent: Mapped["Task | None"] = relationship(remote_side=id)
    init_org: Mapped[Organization | None] = relationship()
    init_user: Mapped[User | None] = relationship()
    algorithm_store: Mapped[AlgorithmStore | None] = relationship()
    databases: Mapped[list["TaskDatabase"]] = relationship(order_by="TaskDatabase.id", cascade="all, delete-orphan")
    runs: Mapped[list["Run"]] = relationship(
        back_populates="task", order_by="Run.id", cascade="all, delete-orphan", passive_deletes=True
    )


class TaskCount(Base):
    """How many tasks there are of each kind that somebody may or may not see; kept by the database itself.

    The columns have the names of those of `Task`, so that one condition fits both; none is written as 0.
    """

    __tablename__ = "task_count"

    collaboration_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    study_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    init_org_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    init_user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    is_user_created: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1 for tasks without parent, 0 for the others."""
    total: Mapped[int]


class TaskDatabase(Base):
    """One database that a task reads, by its label, with how it is to be read as JSON text."""

    __tablename__ = "task_database"
    __table_args__ = (Index("ix_task_database_label_task_id", "label", "task_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    label: Mapped[str]
    parameters: Mapped[str] = mapped_column(default="{}")


class Run(Base):
    """A task at one organization. Lists do not load the large columns."""

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_organization_id_id", "organization_id", "id"),
        Index("ix_run_open", "organization_id", "finished_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(default=RunStatus.PENDING.value)
    version: Mapped[int] = mapped_column(default=0)
    """Counts the moves; a move names the version it saw, so that of two at once only one succeeds."""
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cleanup_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    blob_storage_used: Mapped[bool] = mapped_column(default=False)
    input: Mapped[str | None] = mapped_column(Text, deferred=True)
    result: Mapped[str | None] = mapped_column(Text, deferred=True)
    log: Mapped[str | None] = mapped_column(Text, deferred=True)
    input_key: Mapped[str | None]
    """Where the input is that is too large for its column; unlike a UUID in the column, clients never see this."""
    result_key: Mapped[str | None]
    """Where the result is that is too large for its column."""

    __mapper_args__ = {"version_id_col": version}

    task: Mapped[Task] = relationship(back_populates="runs")
    organization: Mapped[Organization] = relationship()
    ports: Mapped[list["RunPort"]] = relationship(order_by="RunPort.id", cascade="all, delete-orphan")


class RunPort(Base):
    """A port that a run's container offers on the VPN."""

    __tablename__ = "run_port"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    port: Mapped[int]
    label: Mapped[str | None]


class Blob(Base):
    """A value that is kept outside the database. It has one owner; without one it is deleted.

    The row is there before the value and goes after it, so that no crash leaves a value that nobody knows.
    """

    __tablename__ = "blob"

    key: Mapped[str] = mapped_column(primary_key=True)
    """Name in its store; for the v4 blob protocol the UUID that clients know."""
    place: Mapped[str]
    """Which store: `tasks.values.Place`."""
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", ondelete="SET NULL"), index=True)
    """The run whose input or result it is."""
    field: Mapped[str | None]
    """`input` or `result`."""
    uploader_id: Mapped[int | None] = mapped_column(ForeignKey("identity.id", ondelete="SET NULL"), index=True)
    """Who sent it: a user or a node."""
    task_id: Mapped[int | None]
    """The task of the container that sent it, through its node."""
    size: Mapped[int | None] = mapped_column(BigInteger)
    """In bytes; null while it is written."""
    digest: Mapped[str | None]
    """SHA-256, by which a repeated report is recognised."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it got its owner, or when it was given up. A blob that is settled and has no run is to be deleted."""

    __table_args__ = (Index("ix_blob_created_at", "created_at"),)
