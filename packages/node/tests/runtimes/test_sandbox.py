"""What a sandboxed run cannot do. Each test really tries it from inside."""

import socket
from pathlib import Path
from typing import Any

import pytest

from hanse_node.runtimes.base import Mount, StartFailed
from hanse_node.runtimes.process import ProcessImage

pytestmark = pytest.mark.needs("bwrap")

TRY = """
def tried(action):
    try:
        return repr(action())
    except OSError as error:
        return type(error).__name__ + ' ' + str(error.strerror)
"""


async def test_it_reaches_no_service_of_this_machine(sandboxed: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; result = tried(lambda: socket.create_connection(('127.0.0.1', {port}), 5))"
        assert await sandboxed.result(TRY + code) == "ConnectionRefusedError Connection refused"


async def test_it_reaches_no_other_machine(sandboxed: Any) -> None:
    code = "import socket; result = tried(lambda: socket.create_connection(('192.0.2.1', 443), 5))"
    assert await sandboxed.result(TRY + code) == "OSError Network is unreachable"


async def test_its_only_interface_is_the_loopback(sandboxed: Any) -> None:
    code = "import socket; result = [name for _, name in socket.if_nameindex()]"
    assert await sandboxed.result(code) == ["lo"]


async def test_it_resolves_localhost_and_nothing_else(sandboxed: Any) -> None:
    code = (
        "import socket; result = [socket.gethostbyname('localhost'), tried(lambda: socket.gethostbyname('pypi.org'))]"
    )
    local, other = await sandboxed.result(TRY + code)
    assert local == "127.0.0.1"
    assert other.startswith("gaierror")


async def test_it_sees_no_other_run_and_nothing_private_of_this_machine(sandboxed: Any) -> None:
    (sandboxed.folder / "run-8").mkdir()
    (sandboxed.folder / "run-8" / "input").write_text("somebody else's")
    places = ["/root/.bashrc", "/etc/shadow", "/home", "/var", "/srv", str(sandboxed.folder / "run-8" / "input")]
    code = f"import os; result = [os.path.exists(place) for place in {places!r}]"
    assert await sandboxed.result(code) == [False] * len(places)


async def test_it_sees_only_its_own_folders(sandboxed: Any) -> None:
    code = "import os; result = [sorted(os.listdir('/mnt')), os.listdir('/mnt/data'), sorted(os.listdir('/etc'))]"
    mnt, data, etc = await sandboxed.result(code)
    assert mnt == ["data", "tmp"]
    assert data == ["task-000000007"]
    assert {"passwd", "group", "hosts"} <= set(etc) <= {
        "passwd", "group", "hosts", "nsswitch.conf", "ld.so.cache", "alternatives", "localtime",
    }  # fmt: skip


async def test_it_reads_its_database_and_cannot_write_it(sandboxed: Any) -> None:
    path = sandboxed.folder / "lung.csv"
    path.write_text("a\n1\n")
    code = """
path = variable('DEFAULT_DATABASE_URI')
result = [path, open(path).read(), tried(lambda: open(path, 'a')), tried(lambda: __import__('os').unlink(path))]
"""
    mounts = [Mount("default", "csv", str(path), True)]
    place, text, appended, removed = await sandboxed.result(TRY + code, mounts=mounts)
    assert (place, text) == ("/mnt/default.csv", "a\n1\n")
    assert appended == "OSError Read-only file system"
    assert removed.startswith("OSError")
    assert path.read_text() == "a\n1\n"


async def test_a_folder_database_is_read_only_too(sandboxed: Any) -> None:
    (sandboxed.folder / "scans").mkdir()
    (sandboxed.folder / "scans" / "one").write_text("1")
    code = "result = [open('/mnt/scans/one').read(), tried(lambda: open('/mnt/scans/two', 'w'))]"
    mounts = [Mount("scans", "folder", str(sandboxed.folder / "scans"), True)]
    assert await sandboxed.result(TRY + code, mounts=mounts) == ["1", "OSError Read-only file system"]


@pytest.mark.parametrize("place", ["/usr/x", "/run/hanse/proxy/x", "/run/hanse/code/inside/x", "/etc/passwd"])
async def test_it_cannot_write_outside_its_folders(sandboxed: Any, place: str) -> None:
    result = await sandboxed.result(TRY + f"result = tried(lambda: open({place!r}, 'w'))")
    assert result == "OSError Read-only file system"


async def test_it_writes_its_own_its_jobs_and_a_private_temporary_folder(sandboxed: Any) -> None:
    code = """
import os, tempfile
open('own', 'w').write('1')
open(variable('TEMPORARY_FOLDER') + '/shared', 'w').write('2')
result = [os.getcwd(), tempfile.gettempdir(), open(tempfile.mkstemp()[1], 'w').write('3'), os.listdir('/tmp') != []]
"""
    assert await sandboxed.result(code) == ["/mnt/data/task-000000007", "/tmp", 1, True]
    assert (sandboxed.folder / "run-7" / "own").read_text() == "1"
    assert (sandboxed.folder / "job" / "shared").read_text() == "2"


async def test_it_is_nobody_without_any_right(sandboxed: Any) -> None:
    code = """
import os
status = dict(line.split(':\\t', 1) for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)
result = [os.getuid(), os.getgid(), status['CapEff'], status['CapBnd'], status['NoNewPrivs']]
"""
    assert await sandboxed.result(code) == [65534, 65534, "0" * 16, "0" * 16, "1"]


async def test_it_cannot_make_a_namespace_in_which_it_would_be_root(sandboxed: Any) -> None:
    code = """
import ctypes
library = ctypes.CDLL(None, use_errno=True)
result = [library.unshare(0x10000000), ctypes.get_errno()]
"""
    failed, error = await sandboxed.result(code)
    assert failed == -1
    assert error > 0


async def test_it_sees_only_its_own_processes(sandboxed: Any) -> None:
    code = "import os; result = len([name for name in os.listdir('/proc') if name.isdigit()])"
    assert await sandboxed.result(code) <= 4


async def test_its_environment_holds_nothing_of_the_nodes(sandboxed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_SECRET", "planted")
    received = await sandboxed.result("result = environment()")
    assert "NODE_SECRET" not in received
    contract = {"INPUT_FILE", "OUTPUT_FILE", "TOKEN_FILE", "TEMPORARY_FOLDER", "HOST", "PORT", "API_PATH"}
    labels = {"DB_LABELS", "USER_REQUESTED_DATABASE_LABELS"}
    image = {"PKG_NAME", "PATH", "HOME", "TMPDIR", "LANG", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PWD"}
    assert set(received) - {"LC_CTYPE"} == contract | labels | image


async def test_a_python_that_imports_from_the_nodes_folder_is_refused(sandboxed: Any, python: Path) -> None:
    library = next((python.parent.parent / "lib").glob("*/site-packages"))
    (library / "wide.pth").write_text(f"{sandboxed.folder}\n")
    try:
        sandboxed.images["sample"] = ProcessImage("sample_algorithm", str(python))
        runtime = sandboxed.open()
        with pytest.raises(StartFailed, match="holds the runs of this node"):
            await runtime.start(await sandboxed.spec(""))
        assert await runtime.adopt() == {}
    finally:
        (library / "wide.pth").unlink()
