"""`run_context.json`: the whole of a run in one file, for tools that would rather not read variables."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanse_node.policy import calls
from hanse_node.runtimes.base import Context, Mount, RunSpec

if TYPE_CHECKING:
    from hanse_node.contract import View

NAME = "run_context.json"
SCHEMA = "0.1"


def of(node_id: int, collaboration_id: int, payload: bytes | Path) -> Context:
    """Tell what the opened input asks for; nothing of one that is too long to be looked at, or unreadable."""
    fields = calls.fields(payload)
    method, positional, named = fields.get("method"), fields.get("args"), fields.get("kwargs")
    return Context(
        node_id,
        collaboration_id,
        method if isinstance(method, str) else "",
        positional if isinstance(positional, list) else [],
        named if isinstance(named, dict) else {},
    )


def write(spec: RunSpec, view: "View") -> None:
    """Put the file into the run's folder, for any user of its container to read; nothing where none is wanted."""
    if spec.context is None:
        return
    path = spec.folder / NAME
    path.write_text(json.dumps(_told(spec, spec.context, view), indent=2) + "\n")
    path.chmod(0o644)


def _told(spec: RunSpec, context: Context, view: "View") -> dict[str, Any]:
    return {
        "schema_version": SCHEMA,
        "entrypoint": {"name": context.method},
        "arguments": {"positional": list(context.positional), "named": dict(context.named)},
        "executor": {"id": context.node_id, "kind": "vantage6-node"},
        "inputs": [_input(mount, view.databases) for mount in spec.mounts],
        "outputs": [{"id": "result", "uri": f"{view.folder}/output"}],
        "x-vantage6": {
            "run_id": spec.run_id,
            "task_id": spec.task_id,
            "collaboration_id": context.collaboration_id,
            "token_file": f"{view.folder}/token",
            "api_proxy": {"host": view.host, "port": str(view.port), "api_path": view.api_path},
            "temporary_directory": view.temporary,
        },
    }


def _input(mount: Mount, uris: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": mount.label, "uri": uris[mount.label], "type": mount.kind}
    return told if mount.arguments is None else {**told, "arguments": json.loads(mount.arguments)}
