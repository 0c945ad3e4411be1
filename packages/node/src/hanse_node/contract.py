"""What a run finds: the names and values of its environment, and where files and databases appear inside.

Every published v4 algorithm image relies on this contract; values are Base32 with `!` for `=`, names are plain.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from hanse_core.protocol import encode_variable
from hanse_node import connections, run_context
from hanse_node.runtimes.base import Door, Mount, RunSpec, StartFailed

FORBIDDEN = frozenset({"PKG_NAME"})
"""Names that belong to the image: no configuration may set them."""
CONTEXT_FILE = "RUN_CONTEXT_FILE"
RESERVED_LABELS = frozenset({"data", "tmp"})
"""Labels whose path would hide a folder of the contract."""
CONTAINER_PORT = 8080


class InvalidEnvironment(StartFailed):
    """A variable that the run would need has a name that no environment may carry; trying again cannot help."""


@dataclass(frozen=True, slots=True)
class View:
    """Where one run finds its folder, its job's temporary folder, its databases and the proxy, as seen from inside."""

    folder: str
    temporary: str
    databases: Mapping[str, str]
    """URI by label, for the selected databases only."""
    host: str = "http://127.0.0.1"
    """With its scheme, as stock tools expect."""
    port: int = CONTAINER_PORT
    api_path: str = ""
    egress: str | None = None
    """Address of the HTTP proxy to the run's ways out."""


def run_folder_inside(run_id: int) -> str:
    """Give the folder of a run as the contract names it."""
    return f"/mnt/data/task-{run_id:09d}"


def database_inside(mount: Mount) -> str:
    """Give the path under which an isolated run sees a database; the suffix stays, since readers look at it."""
    return f"/mnt/{mount.label}{PurePosixPath(mount.uri).suffix}"


def isolated_view(spec: RunSpec, host: str = "http://127.0.0.1", port: int = CONTAINER_PORT) -> View:
    """Give the view of a run with a file tree of its own, at the paths of the contract, and doors with their ports."""
    behind = {door.label: door for door in spec.doors}
    databases = {
        mount.label: database_inside(mount) if mount.is_path else _through(behind.get(mount.label), mount.uri)
        for mount in spec.mounts
    }
    egress = next((f"http://{door.host}:{door.port}" for door in spec.doors if door.is_proxy), None)
    return View(run_folder_inside(spec.run_id), "/mnt/tmp", databases, host, port, egress=egress)


def _through(door: Door | None, uri: str) -> str:
    return uri if door is None or door.port is None else connections.rewritten(uri, door.host, door.port)


def open_view(spec: RunSpec, host: str = "http://127.0.0.1", port: int = CONTAINER_PORT) -> View:
    """Give the view of a run that shares the file tree of this machine."""
    databases = {mount.label: mount.uri for mount in spec.mounts}
    return View(str(spec.folder), str(spec.temporary), databases, host, port)


def environment(spec: RunSpec, view: View) -> dict[str, str]:
    """Give the environment exactly as the run receives it: plain names, encoded values but one."""
    plain = plain_environment(spec, view)
    return {name: value if name == CONTEXT_FILE else encode_variable(value) for name, value in plain.items()}


def plain_environment(spec: RunSpec, view: View) -> dict[str, str]:
    """Give the environment before encoding. Raises `InvalidEnvironment` for a name that cannot be a variable."""
    labels = [mount.label for mount in spec.mounts]
    variables = {
        "INPUT_FILE": f"{view.folder}/input",
        "OUTPUT_FILE": f"{view.folder}/output",
        "TOKEN_FILE": f"{view.folder}/token",
        "TEMPORARY_FOLDER": view.temporary,
        "HOST": view.host,
        "PORT": str(view.port),
        "API_PATH": view.api_path,
        "USER_REQUESTED_DATABASE_LABELS": ",".join(labels),
        "DB_LABELS": ",".join(dict.fromkeys(labels)),
    }
    for mount in spec.mounts:
        variables |= _database_variables(mount, view.databases[mount.label])
    variables |= _egress_variables(view)
    if spec.context is not None:
        variables[CONTEXT_FILE] = f"{view.folder}/{run_context.NAME}"
    variables |= spec.environment
    _check_labels(spec.mounts)
    _check_names(variables)
    return variables


def _egress_variables(view: View) -> dict[str, str]:
    """Give what HTTP clients look for, in both spellings, as stock nodes do."""
    if view.egress is None:
        return {}
    own = f"localhost,127.0.0.1,{view.host.partition('://')[2]}"
    values = {"HTTP_PROXY": view.egress, "HTTPS_PROXY": view.egress, "NO_PROXY": own}
    return {**values, **{name.lower(): value for name, value in values.items()}}


def _database_variables(mount: Mount, uri: str) -> dict[str, str]:
    prefix = mount.label.upper()
    selection = {"QUERY": mount.query, "SHEET_NAME": mount.sheet_name, "PREPROCESSING": mount.preprocessing}
    return {
        f"{prefix}_DATABASE_URI": uri,
        f"{prefix}_DATABASE_TYPE": mount.kind,
        **{f"{prefix}_DB_PARAM_{key.upper()}": value for key, value in mount.parameters.items()},
        **{f"{prefix}_{key}": value for key, value in selection.items() if value is not None},
    }


def _check_labels(mounts: Iterable[Mount]) -> None:
    for mount in mounts:
        if mount.is_path and mount.label in RESERVED_LABELS:
            raise InvalidEnvironment(f"the database label {mount.label!r} is reserved; give the database another label")


def _check_names(variables: Iterable[str]) -> None:
    for name in variables:
        if name in FORBIDDEN:
            raise InvalidEnvironment(f"{name} belongs to the image; remove it from algorithm_env")
        if not (name.isidentifier() and name.isascii()):
            raise InvalidEnvironment(
                f"{name!r} cannot be the name of a variable: use letters, digits and underscores in database labels, "
                "their env and algorithm_env"
            )
