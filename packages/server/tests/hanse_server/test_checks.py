"""What `hanse server check` says before it hurts."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy.orm import Session

from hanse_core.command import main
from hanse_core.errors import Invalid
from hanse_server.checks import examine
from hanse_server.main import prepare
from hanse_server.settings import Settings
from hanse_server.stores.models import AlgorithmStore
from hanse_web.db import make_engine

GOOD = {"cors_allowed_origins": ["https://ui.example.org"], "ip": "0.0.0.0", "port": 0}


def settings(tmp_path: Path, **values: object) -> Settings:
    secret = "a secret for tests only, of more than thirty-two bytes"
    return Settings(**{"uri": f"sqlite:///{tmp_path}/x.sqlite", "jwt_secret_key": secret, **GOOD, **values})


def warnings(found: Settings, config: Path | None = None) -> str:
    return "\n".join(examine(found, config).warnings)


def test_what_is_well_set_up_has_no_problem(tmp_path: Path) -> None:
    assert examine(settings(tmp_path)).problems == ()
    assert "cors" not in warnings(settings(tmp_path))


def test_files_that_settings_name_are_tried(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for name, values in {
        "smtp.password_file": {"smtp": {"server": "mail.example", "username": "a@b.example", "password_file": missing}},
        "blobs.secret_access_key_file": {"blobs": {"type": "s3", "bucket": "b", "secret_access_key_file": missing}},
        "root_password_file": {"root_password_file": missing},
    }.items():
        problems = examine(settings(tmp_path, **values)).problems
        assert any(f"{name} cannot be read: No such file or directory: {missing}" in text for text in problems)


def test_a_folder_for_large_values_that_cannot_be_is_a_problem_and_keeps_from_starting(tmp_path: Path) -> None:
    wrong = settings(tmp_path, blobs={"folder": tmp_path / "no" / "where"})
    (problem,) = examine(wrong).problems
    assert "`blobs.folder`" in problem
    with pytest.raises(Invalid, match=r"blobs\.folder"):
        prepare(wrong)


def test_a_wrong_address_of_the_database_is_one_problem_among_others(tmp_path: Path) -> None:
    found = examine(settings(tmp_path, uri="server.sqlite", port=0, password_policy={"minimum_length": 8}))
    assert any("not the address of a database" in problem for problem in found.problems)
    assert any("no mail is sent" in warning for warning in found.warnings)


def test_a_database_in_memory_is_none(tmp_path: Path) -> None:
    (problem,) = examine(settings(tmp_path, uri="sqlite://")).problems
    assert "with four slashes" in problem


def test_open_doors_are_warned_about_with_a_remedy(tmp_path: Path) -> None:
    assert "any web page may call" in warnings(settings(tmp_path, cors_allowed_origins=["*"]))
    assert "behind a proxy" in warnings(settings(tmp_path, ip="127.0.0.1"))
    assert "set token_expires_hours" in warnings(
        settings(tmp_path, token_expires_hours=100, refresh_token_expires_hours=200)
    )
    assert "PostgreSQL" in warnings(settings(tmp_path))
    assert "root_password has fewer than" in warnings(settings(tmp_path, root_password="short"))


def test_secrets_that_every_account_can_read_are_named(tmp_path: Path) -> None:
    config = tmp_path / "server.yaml"
    config.write_text("")
    config.chmod(0o644)
    assert f"chmod 600 {config}" in warnings(settings(tmp_path), config)
    config.chmod(0o600)
    assert "chmod" not in warnings(settings(tmp_path), config)
    secret = tmp_path / "secret"
    secret.write_text("another secret for tests only, of more than 32 bytes")
    secret.chmod(0o644)
    kept = settings(tmp_path, jwt_secret_key=None, jwt_secret_key_file=secret)
    assert f"chmod 600 {secret}" in warnings(kept)


class Store(BaseHTTPRequestHandler):
    """A store at `/api`, and a page of something else wherever one looks."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"version": "4.15.2"}' if self.path == "/api/version" else b"<h1>Welcome</h1>")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def store_port() -> Iterator[int]:
    Store.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def couple(found: Settings, **urls: str) -> None:
    prepare(found)
    engine = make_engine(found.uri)
    with Session(engine) as session, session.begin():
        session.add_all(AlgorithmStore(name=name, url=url, is_for_all=True) for name, url in urls.items())
    engine.dispose()


def test_each_coupled_store_that_does_not_answer_as_one_is_named_with_the_reason(
    tmp_path: Path, store_port: int
) -> None:
    found = settings(tmp_path, algorithm_stores={"allowed_hosts": ["127.0.0.1"]})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        silent = taken.getsockname()[1]
    couple(
        found,
        good=f"http://127.0.0.1:{store_port}/api",
        page=f"http://127.0.0.1:{store_port}/somewhere",
        away=f"http://127.0.0.1:{silent}/api",
        inside=f"http://localhost:{store_port}/api",
    )

    told = [text for text in examine(found).warnings if "of the store" in text]

    assert len(told) == 3
    page, away, inside = told
    assert f"the store page (id 2, http://127.0.0.1:{store_port}/somewhere): what answers there is no algorithm" in page
    assert "the store away (id 3" in away
    assert "cannot be reached" in away
    assert "algorithm_stores.allowed_hosts" in inside
    assert all("`hanse server store remove`" in text for text in told)
    assert sorted(Store.asked) == ["/api/version", "/somewhere/version"], "nothing else, and nothing at what is inside"


def test_a_store_of_several_rows_is_asked_once_and_one_that_answers_is_not_named(
    tmp_path: Path, store_port: int
) -> None:
    found = settings(tmp_path, algorithm_stores={"allowed_hosts": ["127.0.0.1"]})
    address = f"http://127.0.0.1:{store_port}/api"
    couple(found, one=address)
    engine = make_engine(found.uri)
    with Session(engine) as session, session.begin():
        session.add(AlgorithmStore(name="two", url=address, is_for_all=False))
    engine.dispose()

    assert "of the store" not in warnings(found)
    assert Store.asked == ["/api/version"]


def test_a_store_on_this_machine_may_answer_under_the_name_that_containers_use(tmp_path: Path, store_port: int) -> None:
    found = settings(tmp_path, dev={"host_uri": "http://127.0.0.1"})
    couple(found, local=f"http://localhost:{store_port}/api")

    assert "of the store" not in warnings(found)


def test_a_warning_does_not_fail_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "server.yaml"
    config.write_text("port: 0")
    assert main(["server", "check", "--config", str(config), "--database", f"sqlite:///{tmp_path}/x.sqlite"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Warnings:\n- ")
    assert told.endswith("The server can start, but read the warnings.\n")


def test_the_contract_is_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "openapi"]) == 0
    printed = capsys.readouterr().out
    assert "/api/task" in json.loads(printed)["paths"]
    assert main(["server", "openapi", "--output", str(tmp_path / "openapi.json")]) == 0
    assert (tmp_path / "openapi.json").read_text() == printed
