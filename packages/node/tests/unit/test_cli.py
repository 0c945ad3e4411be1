"""The commands of an operator."""

import asyncio
import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hanse_core import command
from hanse_core.crypto import keys
from hanse_core.errors import KeyChanged
from hanse_node import check, settings_file
from hanse_node.findings import Problem
from hanse_node.journal import Decision, Journal
from hanse_node.offers import Offer
from hanse_node.runs import LocalRun, Phase
from hanse_node.uplink.transport import Response
from hanse_node.vault import known_keys

CONFIG = """
api_key: 1f0c8b7a-0000-4000-8000-000000000000
server_url: http://127.0.0.1
port: 1
databases: [{label: default, uri: d.csv, type: csv}]
policies: {allowed_algorithms: ["^hanse/.*"]}
runtime: memory
directory: state
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="h") as name:
        (Path(name) / "d.csv").write_text("age\n1\n")
        (Path(name) / "node.yaml").write_text(CONFIG)
        yield Path(name)


class Server:
    """Gives fixed answers; without any, it cannot be reached."""

    def __init__(self, key_ok: bool = True, encrypted: bool = False) -> None:
        self.key_ok = key_ok
        self.encrypted = encrypted

    async def request(self, method: str, url: str, **_: Any) -> Response:
        path = url.split("/api/")[1]
        if path == "token/node":
            tokens = {"access_token": "e30.eyJzdWIiOiAyfQ.x", "refresh_token": "r", "refresh_url": "/api/token/refresh"}
            return self.json(tokens if self.key_ok else {"msg": "unknown key"}, 200 if self.key_ok else 401)
        link = {"id": 1}
        answers: dict[str, Any] = {
            "node/2": {"name": "alpha node", "collaboration": link, "organization": link},
            "collaboration/1": {"id": 1, "encrypted": self.encrypted},
            "organization/1": {"name": "alpha", "public_key": ""},
            "version": {"version": "4.15.2"},
            "blobstream/status": {"blob_store_enabled": False},
        }
        return self.json(answers[path])

    def json(self, body: object, status: int = 200) -> Response:
        return Response(status, {}, json.dumps(body).encode())

    async def close(self) -> None:
        return None


def found(folder: Path, server: Any = None, **changes: str) -> dict[bool, str]:
    text = (folder / "node.yaml").read_text()
    for before, after in changes.values():  # type: ignore[misc]
        assert before in text
        text = text.replace(before, after)
    (folder / "node.yaml").write_text(text)
    findings = check.run(settings_file.load(folder / "node.yaml", environment={}), server or Server())
    return {ok: "\n".join(f"{f.text} {f.remedy}" for f in findings if f.ok is ok) for ok in (True, False)}


def test_check_says_what_works(folder: Path) -> None:
    texts = found(folder)
    for text in ("configuration of node 'node' is valid", "^hanse/.*", "databases can be read", "alpha node"):
        assert text in texts[True]
    assert "no image is configured" in texts[False]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("policies: {allowed_algorithms: [\"^hanse/.*\"]}", ""), "runs nothing make one"),
        (("d.csv", "gone.csv"), "does not exist on this station correct uri"),
        (("d.csv, type: csv", "'postgresql://127.0.0.1:1/x', type: sql"), "cannot be reached from this node"),
        (("databases: [{label: default, uri: d.csv, type: csv}]", ""), "has no databases"),
        (("directory: state", "directory: d.csv/x"), "cannot be written"),
    ],
)  # fmt: skip
def test_check_names_each_problem_with_its_remedy(folder: Path, change: Any, problem: str) -> None:
    assert problem in found(folder, change=change)[False]


@pytest.mark.needs("postgres")
def test_check_tells_a_wrong_password_from_a_database_that_is_away(folder: Path, postgres: str) -> None:
    role, server = f"r{uuid.uuid4().hex}", postgres.partition("@")[2]
    with psycopg.connect(f"{postgres}postgres", autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'right-4711'".encode())
        (told,) = owner.execute("SHOW hba_file").fetchone() or ()
        rules, before = Path(told), Path(told).read_text()
        rules.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n{before}")
        owner.execute("SELECT pg_reload_conf()")
        wrong, right = (f"postgresql://{role}:{word}-4711@{server}postgres" for word in ("wrong", "right"))
        try:
            while is_let_in(wrong):  # until the server has read its rules again
                pass
            refused = found(folder, change=("d.csv, type: csv", f"'{wrong}', type: sql"))
            let_in = found(folder, change=(wrong, right))
            nowhere = found(folder, change=(right, f"{right}-nowhere"))
        finally:
            rules.write_text(before)
            owner.execute("SELECT pg_reload_conf()")
            owner.execute(f"DROP ROLE {role}".encode())
    assert "database 'default' can be reached, but does not let this station in: " in refused[False]
    assert f'password authentication failed for user "{role}" correct user, password and name' in refused[False]
    assert "4711" not in refused[False]
    assert "database 'default' lets this station in" in let_in[True]
    assert "let this station in" not in let_in[False]
    assert 'database "postgres-nowhere" does not exist' in nowhere[False]


def is_let_in(uri: str) -> bool:
    try:
        psycopg.connect(uri).close()
    except psycopg.OperationalError:
        return False
    return True


def test_check_tells_a_wrong_key_from_a_server_that_is_away(folder: Path) -> None:
    assert "does not accept this node's API key (unknown key)" in found(folder, Server(key_ok=False))[False]
    assert "encryption.enabled" in found(folder, Server(encrypted=True))[False]


def test_check_prints_problems_and_ends_with_the_code_of_the_first(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["node", "check", "--config", str(folder / "node.yaml")]) == Problem.SERVER
    printed = capsys.readouterr().out
    assert "PROBLEM  the server http://127.0.0.1:1/api cannot be used" in printed
    assert "→ check server_url, port and api_path" in printed


def test_the_journal_can_be_read_by_people_and_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command_line = ["node", "journal", "--config", str(folder / "node.yaml")]
    assert command.main(command_line) == 1
    assert "there is no journal yet" in capsys.readouterr().err
    (folder / "state").mkdir()
    with Journal(folder / "state" / "journal.sqlite") as journal:
        offer = Offer(4, 3, 2, "hanse/glm", "", 1, 7, None)
        journal.save(LocalRun(4, Phase.CLAIMED), offer, Decision("claimed", "allowed", data=("default",)))
    assert command.main(command_line) == 0
    assert "claimed   run_id=4 task_id=3" in capsys.readouterr().out
    assert command.main([*command_line, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"] == ["default"]


def test_a_wrong_configuration_is_one_clear_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "node.yaml").write_text(CONFIG + "colour: red\n")
    assert command.main(["node", "start", "--config", str(folder / "node.yaml")]) == 1
    assert "colour: unknown key" in capsys.readouterr().err


async def _started(folder: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from hanse_core.command import main; import sys; sys.exit(main())",
        "node", "start", "--config", str(folder / "node.yaml"), stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    seen = ""
    while "server_unreachable" not in seen:
        line = (await process.stderr.readline()).decode()
        assert line, seen
        seen += line
    return process, seen


async def test_a_node_waits_for_its_server_with_a_plain_warning_and_stops_when_told(folder: Path) -> None:
    process, seen = await _started(folder)
    assert "http://127.0.0.1:1/api" in seen
    assert "1f0c8b7a" not in seen
    process.terminate()
    _, rest = await process.communicate()
    assert process.returncode == 0
    assert b"node_stopping" in rest


async def test_a_node_that_waits_for_its_server_can_be_asked_shown_and_stopped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process, _ = await _started(folder)

    async def node(*command_line: str) -> str:
        code = await asyncio.to_thread(command.main, ["node", *command_line, "--config", str(folder / "node.yaml")])
        assert code == 0, capsys.readouterr().err
        return capsys.readouterr().out

    assert "waiting for the server" in await node("status")
    assert json.loads(await node("status", "--json"))["process"] == process.pid
    assert "server_unreachable" in await node("logs")
    assert await node("run", "ls") == ""
    assert "has stopped" in await node("stop")
    _, rest = await process.communicate()
    assert process.returncode == 0
    assert b"stop_asked" in rest


def test_a_run_can_be_shown_with_all_that_was_decided(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "state").mkdir()
    with Journal(folder / "state" / "journal.sqlite") as journal:
        for run_id in (4, 5):
            offer = Offer(run_id, 3, 2, "hanse/glm", "", 1, 7, None)
            journal.save(LocalRun(run_id, Phase.CLAIMED), offer, Decision("claimed", "allowed", data=("default",)))

    def run(*command_line: str) -> tuple[int, str, str]:
        code = command.main(["node", "run", *command_line, "--config", str(folder / "node.yaml")])
        return code, *capsys.readouterr()

    assert "run=4 phase=claimed" in run("ls")[1]
    assert [json.loads(line)["run"] for line in run("ls", "--json")[1].splitlines()] == [4, 5]
    assert run("show", "4")[1].count("claimed") == 1
    assert run("show", "9")[0] == 1
    code, _, error = run("kill", "4")
    assert (code, "does not run" in error) == (1, True)


def test_keys_are_listed_and_a_changed_one_is_confirmed_by_its_fingerprint(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, other = (keys.publish(keys.generate()) for _ in range(2))
    known = known_keys(folder / "state" / "keys.json")
    known.put(2, first, "beta")
    with pytest.raises(KeyChanged):
        known.believed(2, other)

    def key(*command_line: str) -> tuple[int, str]:
        return command.main(
            ["node", "key", *command_line, "--config", str(folder / "node.yaml")]
        ), capsys.readouterr().out

    listed = key("ls")[1]
    assert keys.fingerprint(first) in listed
    assert f"{keys.fingerprint(other)}  REFUSED" in listed
    assert key("trust", "2", "--fingerprint", keys.fingerprint(first))[0] == 1
    assert known.believed(2, first) == first
    assert key("trust", "2", "--fingerprint", keys.fingerprint(other).upper())[0] == 0
    assert known.believed(2, other) == other
    assert key("trust", "2")[0] == 1
    (folder / "bundle.json").write_text(json.dumps({"5": first}))
    assert keys.fingerprint(first) in key("import", str(folder / "bundle.json"))[1]
    (folder / "bundle.yaml").write_text(f"6: {other}")
    assert keys.fingerprint(other) in key("import", str(folder / "bundle.yaml"))[1]
    assert json.loads(key("export")[1]) == {"2": other, "5": first, "6": other}
    (folder / "bundle.yaml").write_text("[")
    assert key("import", str(folder / "bundle.yaml"))[0] == 1


async def test_a_second_node_in_the_same_directory_is_refused(folder: Path) -> None:
    process, _ = await _started(folder)
    try:
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from hanse_core.command import main; import sys; sys.exit(main())",
            "node", "start", "--config", str(folder / "node.yaml"), stderr=subprocess.PIPE,
        )  # fmt: skip
        _, error = await second.communicate()
        assert second.returncode == 1
        assert f"another node (process {process.pid})".encode() in error
    finally:
        process.terminate()
        await process.communicate()


async def test_a_corrupt_journal_stops_the_start_and_says_what_to_do(folder: Path) -> None:
    (folder / "state").mkdir()
    (folder / "state" / "journal.sqlite").write_text("not a database")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from hanse_core.command import main; import sys; sys.exit(main())",
        "node", "start", "--config", str(folder / "node.yaml"), stderr=subprocess.PIPE,
    )  # fmt: skip
    _, error = await process.communicate()
    assert process.returncode == 1
    assert b"hanse node: the journal" in error
    assert b"start again:  mv" in error


def test_the_command_stays_light() -> None:
    code = "import sys, hanse_node.cli; print({'pydantic', 'asyncio', 'yaml', 'aiohttp'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
