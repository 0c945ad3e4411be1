"""Tasks, runs and results on the wire."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from typing_extensions import Self

from hanse_core.states import RunStatus
from hanse_core.wire.base import MOST_IDS, Body, Id, Item, Link, Name, Text1024


class TaskOrganization(Body):
    """One organization that is to run the task, and its input (base64, or sealed for it)."""

    model_config = ConfigDict(extra="ignore")

    id: Id
    input: str


class PreprocessingStep(Body):
    model_config = ConfigDict(extra="allow")

    function: str


class DatabaseSelection(Body):
    """One database that the task reads."""

    label: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    query: str | None = None
    sheet_name: str | None = None
    preprocessing: Annotated[list[PreprocessingStep], Field(max_length=MOST_IDS)] | None = None
    arguments: dict[str, Any] | None = None

    def parameters(self) -> dict[str, Any]:
        """Give what was selected beyond the label, as it is stored and handed on."""
        return self.model_dump(exclude={"label"}, exclude_none=True)


class TaskCreate(Body):
    image: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    organizations: Annotated[list[TaskOrganization], Field(min_length=1, max_length=MOST_IDS)]
    collaboration_id: Id | None = None
    study_id: Id | None = None
    name: Name | Annotated[str, StringConstraints(max_length=0)] = ""
    description: Text1024 = ""
    databases: Annotated[list[DatabaseSelection], Field(max_length=MOST_IDS)] | None = None
    store_id: Id | None = None
    server_url: str | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.collaboration_id is None and self.study_id is None:
            raise ValueError("either collaboration_id or study_id must be given")
        return self


class ColumnRequest(Body):
    """Whose columns of which database are wanted."""

    collaboration_id: Id
    db_label: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    organizations: Annotated[list[TaskOrganization], Field(min_length=1, max_length=MOST_IDS)]
    sheet_name: str | None = None
    query: str | None = None


class ColumnNames(Item):
    columns: list[str]


class TaskDatabase(Item):
    label: str
    parameters: str = "{}"


class RunPatch(Body):
    """What a node reports of a run; what is absent stays as it is."""

    started_at: datetime | None = None
    finished_at: datetime | None = None
    log: str | None = None
    result: str | None = None
    status: RunStatus | None = None


class PortCreate(Body):
    """A port that a run's container offers."""

    port: Annotated[int, Field(ge=1, le=65535)]
    run_id: Id
    label: Annotated[str, StringConstraints(max_length=128)] | None = None


class PortAddress(Item):
    """Where another algorithm of the same computation listens on the VPN."""

    port: int
    label: str | None
    ip: str | None
    organization_id: int
    task_id: int
    parent_id: int | None


class PortAddresses(Item):
    addresses: list[PortAddress]


class VpnProfile(Item):
    """What a node needs to join the VPN."""

    ovpn_config: str = Field(repr=False)


class VpnUpdate(Body):
    vpn_config: Annotated[str, StringConstraints(max_length=1 << 18)] = Field(repr=False)


class RunNode(Item):
    """The node that runs it, with all of its fields; none of them when the organization has no node there any more."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"maxProperties": 0}, {"required": ["id", "name", "status", "ip"]}]}
    )

    id: int | None = None
    name: str | None = None
    status: str | None = None
    ip: str | None = None


class RunPort(Item):
    id: int
    port: int
    label: str | None


class Result(Item):
    id: int
    result: str | None = Field(repr=False)
    blob_storage_used: bool
    cleanup_at: str | None
    task: Link
    run: Link


class Run(Item):
    id: int
    status: RunStatus
    input: str | None = Field(repr=False)
    log: str | None
    assigned_at: str | None
    started_at: str | None
    finished_at: str | None
    cleanup_at: str | None
    blob_storage_used: bool
    organization: Link
    task: "Link | Task"
    node: RunNode
    ports: list[RunPort]
    results: Link


class Task(Item):
    id: int
    name: str
    description: str
    image: str
    job_id: int
    created_at: str
    status: RunStatus
    finished_at: str | None
    collaboration: Link
    study: Link | None
    algorithm_store: Link | None
    parent: Link | None
    init_org: Link | None
    init_user: Link | None
    databases: list[TaskDatabase]
    runs: str | list[Run] | None = None
    results: str | list[Result] | None = None
    children: str


class TaskStatus(Item):
    status: RunStatus


Run.model_rebuild()
