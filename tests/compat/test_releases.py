"""What earlier releases left at those who use Hanse goes on working: databases, files, logins, nodes and clients.

`make freeze` keeps what a release leaves (see CONTRIBUTING.md). Beside the releases, today's state is frozen and
taken up again, so that what will be kept of the next one is known to be complete.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest
from freezing.packing import PORT, facts_of, schema_of, unpack
from freezing.provider import PACKAGE, provider, visit
from freezing.story import PASSWORDS, PATIENTS, SUMMARY

from hanse import Client
from hanse_core.errors import Unauthenticated
from hanse_sandbox.network import Network
from hanse_sandbox.processes import Process, free_port
from hanse_server import migrations

pytestmark = [pytest.mark.needs("npm", "postgres"), pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
RELEASES = Path(__file__).parent / "releases"
FROZEN = sorted(path.name for path in RELEASES.glob("*") if (path / "manifest.json").exists())
TODAY = "today"
DATABASES = ["sqlite", "postgres"]
OF_TODAY = ["sqlite"] if FROZEN else DATABASES
CASES = [*((release, kind) for release in FROZEN for kind in DATABASES), *((TODAY, kind) for kind in OF_TODAY)]
WITH_WHEELS = [name for name in FROZEN if (RELEASES / name / "wheels").exists()] or [TODAY]
FIRST = (0, 3)
"""The first release that promises upgrades."""
SCRIPT = Path(__file__).parent / "scripts" / "frozen_client.py"


def _released() -> list[str]:
    """Name the releases of the changelog that promise upgrades."""
    named = re.findall(r"^## (\d+)\.(\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    return [".".join(parts) for parts in named if tuple(map(int, parts)) >= FIRST]


def test_every_release_is_frozen() -> None:
    missing = sorted(set(_released()) - set(FROZEN))
    assert missing == [], f"run `make freeze RELEASE={missing[0]}` on the commit of the release, and commit the result"


def test_no_migration_that_a_release_has_was_changed() -> None:
    """Users have run it: what changes the tables from then on is a migration of its own."""
    for release in FROZEN:
        frozen = json.loads((RELEASES / release / "manifest.json").read_text())["migrations"]
        changed = [name for name, digest in frozen.items() if _digest(migrations.VERSIONS / name) != digest]
        assert changed == [], f"{release} has it: restore it, and write the next one (see CONTRIBUTING.md)"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the folder of a frozen release; that of today is frozen now."""
    made: dict[str, Path] = {}

    def find(name: str) -> Path:
        if name != TODAY:
            return RELEASES / name
        if name not in made:
            folder = tmp_path_factory.mktemp("releases")
            path = os.pathsep.join(str(ROOT / part) for part in (".", "tests/parts", "tests/compat"))
            command: list[Any] = [
                sys.executable,
                "-m",
                "freezing",
                name,
                "--trial",
                "--to",
                folder,
                "--only",
                *OF_TODAY,
            ]
            ran = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, timeout=150)
            assert ran.returncode == 0, ran.stderr.decode()[-4000:]
            made[name] = folder / name
        return made[name]

    return find


@pytest.fixture(scope="session")
def issuer(npm_environment: Callable[..., tuple[str, Path]]) -> Iterator[str]:
    """The provider that has taken the place of the one at which people had logged in."""
    with provider(*npm_environment(PACKAGE)) as address:
        yield address


@dataclass
class Place:
    """A place of an earlier release, of which today's version takes over."""

    folder: Path
    uri: str
    url: str
    facts: dict[str, Any]
    programs: Path | None
    empty: Callable[[], str]
    """Gives the address of a new database of the same kind."""
    said: dict[str, str]
    """What the commands said with which an operator takes over."""

    @property
    def config(self) -> Path:
        return self.folder / "server.yaml"

    def script(self) -> Client:
        """Log in with the token that alice has for scripts."""
        return Client(self.url, token=self.facts["access_token"], live=False)

    def root(self) -> Client:
        return Client(self.url, "root", self.facts["passwords"]["root"], live=False)


def hanse(*arguments: str | Path) -> str:
    """Run a command of the server that is expected to work; give what it says."""
    command: list[Any] = [sys.executable, "-m", "hanse_core", "server", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Which release the place has, and which database."""
    release, kind = request.param
    return release, kind


@pytest.fixture(scope="module")
def empty(case: tuple[str, str], postgres: str, module_folder: Path) -> Callable[[], str]:
    """Make databases without any table, of the kind of the place."""
    numbers = count()
    if case[1] == "sqlite":
        return lambda: f"sqlite:///{module_folder}/{next(numbers)}.sqlite"

    def create() -> str:
        name = f"release_{case[0].replace('.', '_')}_{next(numbers)}"
        with psycopg.connect(f"{postgres}postgres", autocommit=True) as maintenance:
            maintenance.execute(f"CREATE DATABASE {name}")
        return f"{postgres}{name}"

    return create


@pytest.fixture(scope="module")
def place(
    case: tuple[str, str],
    releases: Callable[[str], Path],
    empty: Callable[[], str],
    issuer: str,
    postgres_programs: Path | None,
    module_folder: Path,
) -> Iterator[Place]:
    """Take a place over as its operator does: migrate, check, start."""
    release, kind = case
    source, folder, port = releases(release) / kind, module_folder / f"{release}-{kind}", free_port()
    folder.mkdir()
    uri = f"sqlite:///{folder}/server.sqlite" if kind == "sqlite" else empty()
    url = f"http://127.0.0.1:{port}"
    places = {"@DATABASE@": uri, "@FOLDER@": str(folder), "@SERVER@": url, "@ISSUER@": issuer}
    unpack(source, folder, uri, {**places, "@PYTHON@": sys.executable, PORT: str(port)})
    config = folder / "server.yaml"
    said = {name: hanse(name, "--config", config) for name in ("migrate", "check")}
    server = Process("the server", ["server", "start", "--config", str(config)], folder / "server.log")
    server.start()
    try:
        place = Place(folder, uri, url, facts_of(source), postgres_programs, empty, said)
        with Client(url, live=False) as client:
            server.wait_until(lambda: _answers(client), 30, "answered")
        yield place
    finally:
        server.stop()


def _answers(client: Client) -> bool:
    try:
        return bool(client.health())
    except Exception:
        return False


def test_the_tables_are_those_of_a_new_database(place: Place) -> None:
    fresh = place.empty()
    hanse("migrate", "--database", fresh)
    assert schema_of(place.uri, place.programs) == schema_of(fresh, place.programs)


def test_nothing_that_the_database_counts_by_itself_is_out_of_step(place: Place) -> None:
    assert "differences" not in place.said["check"]
    with place.root() as root:
        assert len(root.tasks.list()) >= place.facts["tasks"]


def test_people_log_in_with_password_and_second_factor(place: Place) -> None:
    otp = place.facts["otp"]
    step = max(int(time.time()) // 30, otp["last_step"] + 1)
    code = pyotp.TOTP(otp["secret"]).at(step * 30)
    with Client(place.url, "alice", PASSWORDS["alice"], mfa_code=code, live=False) as alice:
        roles = {role.name for role in alice.roles.list(user_id=alice.login().id)}
        assert roles >= {"Researcher", "Organization Admin", "Curator"}
    recovery = otp["recovery_codes"].pop()
    with Client(place.url, "alice", PASSWORDS["alice"], mfa_code=recovery, live=False) as alice:
        assert alice.login().username == "alice"
    with Client(place.url, "dave", PASSWORDS["dave"], live=False) as dave, pytest.raises(Unauthenticated):
        dave.login()


def test_a_login_that_is_kept_in_a_file_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place.folder / "client"))
    with Client.from_profile(live=False) as client:
        assert client.whoami().username == "bob"


def test_people_come_back_from_their_provider_as_whom_they_were(place: Place) -> None:
    with Client(place.url, live=False) as carol:
        user = carol.log_in_with("hospital", device=False, open_browser=visit, show=lambda text: None)
    assert {"id": user.id, "username": user.username} == place.facts["external"]


def test_scripts_read_every_result_wherever_it_is_kept(place: Place) -> None:
    wanted = place.facts["results"]
    with place.script() as script:
        found = {name: script.tasks.results(each["task"]).result for name, each in wanted.items() if name != "sealed"}
        assert found == {name: wanted[name]["result"] for name in found}
        script.setup_encryption(place.folder / "key.pem")
        assert script.tasks.results(wanted["sealed"]["task"]).result == wanted["sealed"]["result"]


def test_runs_are_where_they_were(place: Place) -> None:
    with place.script() as script:
        found = {str(run.id): run.status.value for run in map(script.runs.get, map(int, place.facts["runs"]))}
        assert found == place.facts["runs"]
        child = script.tasks.get(place.facts["child"]["id"])
        assert child.parent is not None
        assert child.parent.id == place.facts["child"]["parent"]


def test_the_federation_is_as_it_was(place: Place) -> None:
    facts = place.facts
    with place.root() as root:
        assert {name: root.organizations.find(name).id for name in facts["organizations"]} == facts["organizations"]
        assert {name: root.collaborations.find(name).id for name in facts["collaborations"]} == facts["collaborations"]
        assert root.studies.get(facts["study"]).name == "pair"
        assert root.roles.get(facts["role"]).name == "Curator"
        assert root.algorithm_stores.get(facts["store"]).name == "Reviewed"
        assert facts["invitation"] in [each.id for each in root.invitations.list()]


def test_a_station_takes_up_its_journal_and_delivers_what_was_left(place: Place) -> None:
    pending, node = place.facts["pending"], place.folder / "alpha" / "node.yaml"
    station = Process("the node", ["node", "start", "--config", str(node)], place.folder / "node.log")
    with place.script() as script:
        assert not script.runs.get(pending["run"]).status.is_finished
        station.start()
        try:
            waiting = [pending["task"], place.facts["waiting"], place.facts["waiting with a blob"]]
            station.wait_until(lambda: all(script.tasks.get(each).status.is_finished for each in waiting), 60, "worked")
            runs = [run for each in waiting for run in script.runs.list(task_id=each)]
            assert [run.status.value for run in runs] == ["completed"] * 3, [run.log for run in runs]
            found = [script.tasks.results(each).result for each in waiting]
        finally:
            station.stop()
    done = place.facts["results"]["of the node"]["result"]
    assert found == [pending["result"], done, done]


@pytest.fixture(scope="module")
def network(module_folder: Path) -> Iterator[Network]:
    """Today's server, with a station whose node is started by the test."""
    with Network(module_folder) as network:
        (module_folder / "patients.csv").write_text(PATIENTS)
        network.server.start()
        network.federate({"alpha": {"default": module_folder / "patients.csv"}})
        yield network


@pytest.mark.needs("uv")
@pytest.mark.parametrize("release", WITH_WHEELS)
def test_its_node_and_its_client_work_with_the_server_of_today(
    release: str,
    network: Network,
    releases: Callable[[str], Path],
    environment: Callable[..., Path],
    module_folder: Path,
) -> None:
    frozen = releases(release)
    wheels = {path.name.split("-")[0]: path for path in (frozen / "wheels").glob("*.whl")}
    needed = [wheels[name] for name in ("hanse_core", "hanse_client", "hanse_node")]
    python = environment(*needed, "--constraint", frozen / "requirements.txt")
    command = [python, "-m", "hanse_core", "node", "start", "--config", network.stations["alpha"].config]
    with _running(command, module_folder / f"{release}.log"):
        order = [SUMMARY["image"], SUMMARY["method"], json.dumps(SUMMARY["arguments"])]
        asked: list[Any] = [
            python,
            SCRIPT,
            network.server.url,
            network.researcher,
            network.researcher_password,
            "demo",
            *order,
        ]
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=90)
    assert ran.returncode == 0, ran.stderr[-3000:] + (module_folder / f"{release}.log").read_text()[-3000:]
    (answer,) = json.loads(ran.stdout.splitlines()[-1])
    assert answer["rows"] == 40


@contextmanager
def _running(command: list[Any], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
