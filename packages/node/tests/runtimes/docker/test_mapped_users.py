"""An engine that maps users (`userns-remap`): root of a container is nobody in particular on the machine."""

import os
from dataclasses import asdict
from typing import Any

import pytest

from docker_engine import OUTSIDE, REMAPPED
from hanse_node import ending
from hanse_node.copies import with_copies
from hanse_node.docker_settings import Docker
from hanse_node.errors import CannotStart
from hanse_node.runtimes.base import Exit, Mount, StartFailed
from hanse_node.runtimes.docker import DockerRuntime
from hanse_node.sources import Selection

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

WRITES_ANEW = """
import json, os
path = variable("OUTPUT_FILE")
os.remove(path)
os.mkdir(os.path.dirname(path) + "/further")
os.mkdir(variable("TEMPORARY_FOLDER") + "/own")
result = [os.getuid(), open(variable("DEFAULT_DATABASE_URI")).read()]
open(variable("CHANGED_DATABASE_URI"), "a").write("new")
"""


@pytest.mark.parametrize(("profile", "user"), [("strict", 65534), ("v4", 0)])
async def test_a_run_is_another_user_of_the_machine_and_the_node_reads_its_result(
    mapped: Any, profile: str, user: int
) -> None:
    mapped.settings["profile"] = profile
    (mapped.folder / "closed").mkdir(mode=0o700)
    file, changed = mapped.folder / "closed" / "lung.csv", mapped.folder / "changed.csv"
    for path in (file, changed):
        path.write_text("a\n1\n")
    file.chmod(0o640)
    os.chown(file, 0, REMAPPED + 4711)
    runtime = mapped.open()
    await runtime.prepare()
    (mapped.folder / "own").mkdir()
    copied = with_copies([Selection("changed", "csv", str(changed), True)], {"changed"}, mapped.folder / "own")
    mounts = [Mount("default", "csv", str(file), True), *(Mount(**asdict(one)) for one in copied)]
    _, reference, spec = await mapped.run(WRITES_ANEW, mounts=mounts)
    assert await runtime.wait(reference) == Exit(0), await runtime.logs(reference)
    assert ending.read_output(spec.folder / "output", 1000) == f'[{user}, "a\\n1\\n"]'.encode()
    assert (spec.folder / "output").stat().st_uid == REMAPPED + user
    assert changed.read_text() == "a\n1\n"


@pytest.mark.parametrize("profile", ["strict", "v4"])
async def test_a_database_that_only_this_machines_root_or_a_group_of_it_may_read_is_named(
    mapped: Any, profile: str
) -> None:
    mapped.settings["profile"] = profile
    file = mapped.folder / "lung.csv"
    file.write_text("a\n1\n")
    os.chown(file, 0, 4711)
    file.chmod(0o640)
    runtime = mapped.open()
    await runtime.prepare()
    spec = await mapped.spec("pass", mounts=[Mount("default", "csv", str(file), True)])
    with pytest.raises(StartFailed, match=rf"'default' may not be read .* root is {REMAPPED}:{REMAPPED} here"):
        await runtime.start(spec)


async def test_isolation_is_proven(mapped: Any) -> None:
    runtime = DockerRuntime("p", Docker.model_validate(mapped.settings), mapped.folder / "proving", spare=0)
    await runtime.prepare()
    await runtime.close()
    assert mapped.engine.of_nodes() == {}


@pytest.mark.needs("runsc")
async def test_gvisor_that_cannot_map_users_is_told(mapped: Any) -> None:
    docker = Docker.model_validate({**mapped.settings, "oci_runtime": "runsc"})
    runtime = DockerRuntime("p", docker, mapped.folder / "proving", spare=0)
    try:
        with pytest.raises(CannotStart, match=r"maps users \(userns-remap\), which not every gVisor can"):
            await runtime.prepare()
    finally:
        await runtime.close()
