"""The federation as a container sees it: subtasks through the node's proxy.

Works against Hanse's proxy, where waiting is one held request, and against a stock v4 node, which answers at once and
is asked again with a growing pause.
"""

from __future__ import annotations

import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from hanse_algorithm.contract import Claims
from hanse_algorithm.errors import FederationError
from hanse_algorithm.proxy import Pauses, Proxy
from hanse_algorithm.result import to_json
from hanse_algorithm.subtasks import Answer, Failure, Federation, Organization, Subtask, SubtaskFailed, named

_UNFINISHED = frozenset({"pending", "initializing", "active"})
_STATUS_SECONDS = 3600.0
"""How long a server may fail to tell a status before that counts as a failure of the run."""
_LONGEST_PAUSE = 10.0
_QUICK = 1.0
"""An answer that took longer than this was held back, so asking again at once is no hammering."""
_CAUSE_LENGTH = 500


class RemoteFederation(Federation):
    """Creates subtasks as the run whose token it has."""

    def __init__(self, proxy: Proxy, claims: Claims) -> None:
        self._proxy = proxy
        self._claims = claims

    @cached_property
    def _members(self) -> list[Mapping[str, Any]]:
        claims = self._claims
        query = {"study_id": claims.study_id} if claims.study_id else {"collaboration_id": claims.collaboration_id}
        return sorted(self._proxy.items("organization", query), key=lambda item: int(item["id"]))

    @property
    def organizations(self) -> list[Organization]:
        return [Organization(item["id"], item["name"]) for item in self._members]

    def start(
        self,
        function: Callable[..., Any] | str,
        /,
        *,
        organizations: Sequence[int] | None = None,
        **arguments: Any,
    ) -> Subtask:
        content = to_json(arguments, "arguments")
        method = named(function, json.loads(content))
        asked = self._asked(organizations)
        payload = b'{"method":' + to_json(method) + b',"args":[],"kwargs":' + content + b"}"
        task = self._proxy.post("task", self._task(method, payload, asked), {"Idempotency-Key": os.urandom(16).hex()})
        return Subtask(task["id"], method, asked)

    def _task(self, method: str, payload: bytes, asked: Sequence[int]) -> dict[str, object]:
        claims = self._claims
        body: dict[str, object] = {
            "name": method,
            "description": f"subtask of task {claims.task_id}",
            "image": claims.image,
            "collaboration_id": claims.collaboration_id,
            "organizations": self._inputs(payload, asked),
            "databases": claims.databases or [],
        }
        optional = {"study_id": claims.study_id, "store_id": claims.store_id}
        body.update({name: value for name, value in optional.items() if value})
        return body

    def _inputs(self, payload: bytes, asked: Sequence[int]) -> list[dict[str, object]]:
        if not self._has_blob_store:
            text = b64encode(payload).decode()
            return [{"id": identity, "input": text} for identity in asked]
        keys = {item["id"]: item.get("public_key") or "" for item in self._members}
        return [{"id": identity, "input": self._proxy.upload(payload, keys[identity])} for identity in asked]

    @cached_property
    def _has_blob_store(self) -> bool:
        try:
            return bool(self._proxy.get("blobstream/status", needs="blob_store_enabled")["blob_store_enabled"])
        except FederationError:
            # A server without the endpoint is one without the store.
            return False

    def wait(self, subtask: Subtask) -> list[Answer]:
        self._wait_for_end(subtask.id)
        names = {organization.id: organization.name for organization in self.organizations}
        runs = {run["organization"]["id"]: run for run in self._proxy.items("run", {"task_id": subtask.id})}
        results = {item["run"]["id"]: item for item in self._proxy.items("result", {"task_id": subtask.id})}
        answers: list[Answer] = []
        failures: list[Failure] = []
        for identity in subtask.organization_ids:
            run = runs.get(identity, {"id": None, "status": "unknown error"})
            outcome = self._outcome(run, results.get(run["id"], {}))
            if isinstance(outcome, Answer):
                answers.append(outcome._replace(organization_id=identity, organization=names[identity]))
            else:
                failures.append(outcome._replace(organization_id=identity, organization=names[identity]))
        ended = [failure for failure in failures if failure.status not in _UNFINISHED]
        if failures:
            raise SubtaskFailed(subtask.method, ended or failures, answers)
        return answers

    def _outcome(self, run: Mapping[str, Any], item: Mapping[str, Any]) -> Answer | Failure:
        if run["status"] != "completed":
            return Failure(0, "", run["status"], cause_in(run.get("log")))
        if not item.get("result"):
            return Failure(0, "", run["status"], "it gave no result")
        try:
            return Answer(0, "", json.loads(self._content(item)))
        except ValueError:
            return Failure(0, "", run["status"], "its result is not JSON, or could not be decrypted")

    def _content(self, item: Mapping[str, Any]) -> bytes:
        if item.get("blob_storage_used"):
            return self._proxy.download(item["result"])
        return b64decode(item["result"])

    def _wait_for_end(self, task_id: int) -> None:
        pauses = Pauses(self._proxy.sleep, _LONGEST_PAUSE)
        while True:
            asked_at = time.monotonic()
            answer = self._proxy.held(f"task/{task_id}/status", "status", _STATUS_SECONDS)
            if answer["status"] not in _UNFINISHED:
                return
            if time.monotonic() - asked_at > _QUICK:
                pauses.start_over()
            else:
                pauses.rest()


def cause_in(log: str | None) -> str:
    """Find the cause of a failure in a run's log: its last line of the form `error > text`."""
    lines = [line.partition("error >")[2].strip() for line in (log or "").splitlines() if line.startswith("error >")]
    return lines[-1][:_CAUSE_LENGTH] if lines else ""
