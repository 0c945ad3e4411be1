"""The inputs of a new task: in its body, arrived before it, or uploaded as blobs."""

from collections.abc import Mapping, Sequence
from typing import Any

from hanse_core.errors import Invalid, TooLarge
from hanse_core.wire.tasks import TaskOrganization
from hanse_server.tasks import rules
from hanse_server.tasks.forms import Form
from hanse_server.tasks.values import Arrived, Place, Uploader, claim
from hanse_web.access import Actor
from hanse_web.blobs.base import is_key
from hanse_web.work import Work


class TaskInputs:
    """Checks the inputs of one request, and gives them to its runs."""

    def __init__(self, work: Work, actor: Actor, arrived: Mapping[str, Arrived], *, are_blobs: bool) -> None:
        self._work = work
        self._uploader = Uploader.of(actor)
        self._arrived = arrived
        self._are_blobs = are_blobs
        self._claims: list[tuple[str, Place] | None] = []

    def require_acceptable(self, organizations: Sequence[TaskOrganization], *, is_encrypted: bool) -> None:
        """Refuse what the nodes could not read, and long texts that are no inputs."""
        for organization in organizations:
            if self._are_blobs:
                _require_uuid(organization)
                continue
            arrived = self._arrived.get(organization.input)
            form = arrived.form if arrived else Form.of(organization.input)
            rules.require_input(form, is_encrypted=is_encrypted, organization_id=organization.id)
        require_only(self._arrived, [organization.input for organization in organizations])

    def columns(self, text: str) -> dict[str, Any]:
        """Give the columns of the run that gets an input; to be called for all runs in turn."""
        arrived = self._arrived.get(text)
        if arrived is not None:
            self._claims.append((arrived.value.key, Place.VALUES))
            return {"input": None, "input_key": arrived.value.key, "blob_storage_used": False}
        self._claims.append((text, Place.BLOBS) if self._are_blobs else None)
        return {"input": text, "input_key": None, "blob_storage_used": self._are_blobs}

    @property
    def are_claimed(self) -> bool:
        """Tell whether values outside of the database are to become those of runs."""
        return any(self._claims)

    def settle(self, run_ids: Sequence[int]) -> None:
        """Make the values those of their runs, in the same order."""
        for run_id, claimed in zip(run_ids, self._claims, strict=True):
            if claimed is not None:
                claim(self._work, *claimed, self._uploader, run_id, "input")


def require_only(arrived: Mapping[str, Arrived], used: Sequence[str | None]) -> None:
    """Refuse a body with long texts in other places than those where they are taken."""
    if set(arrived) - set(used):
        raise TooLarge("only inputs, results and logs may be as long as one of the texts in this body")


def _require_uuid(organization: TaskOrganization) -> None:
    if not is_key(organization.input):
        message = (
            f"the input for organization {organization.id} must be the uuid of a blob: this server keeps inputs in a "
            "blob store; upload it with POST /blobstream"
        )
        raise Invalid(message, errors={"organizations": [message]})
