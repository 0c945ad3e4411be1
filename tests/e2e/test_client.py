"""The client against a real server: logins in all ways, and values larger than the patience of a connection."""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

from hanse import AsyncClient, Client, SecondFactorNeeded
from hanse.profiles import path_of
from hanse_core.command import main
from hanse_core.crypto import keys
from hanse_core.crypto.streams import BlobPayload
from hanse_core.errors import Denied, NotFound, Unauthenticated
from hanse_sandbox.lung import split
from hanse_sandbox.network import Network

pytestmark = pytest.mark.timeout(180)
PASSWORD = "Correct-horse-1"
LARGE = {"text": "x" * 3_000_000}


@pytest.fixture(scope="module")
def network(module_folder: Path) -> Iterator[Network]:
    """A server with a store for large values; its nodes do not run, the tests speak for them."""
    with Network(module_folder) as network:
        network.server.configure(
            large_result_store={"type": "files", "folder": str(module_folder / "blobs")},
            token_expires_hours=0.25,
        )
        network.server.start()
        network.federate({name: {"default": path} for name, path in split(module_folder).items()})
        yield network


@pytest.fixture
def root(network: Network) -> Iterator[Client]:
    with network.server.root() as client:
        yield client


@pytest.fixture
def alice(network: Network, root: Client, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A new researcher for each test."""
    organization_id = next(iter(network.organization_ids.values()))
    name = request.node.name[:60]
    root.users.create(
        name,
        PASSWORD,
        f"{name}@example.org",
        organization_id=organization_id,
        roles=["Researcher", "Organization Admin"],
    )
    with Client(network.server.url, name, PASSWORD) as client:
        yield client


class Proxy:
    """Passes connections on to a server, and cuts them after so many bytes of answers, once it is told to."""

    def __init__(self, port: int, cuts: list[int]) -> None:
        self._port = port
        self._cuts = cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.is_cutting = False

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._connect, args=(near,)))
                self._threads[-1].start()

    def _connect(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._port)) as far:
            requests = threading.Thread(target=self._pass, args=(near, far, False))
            requests.start()
            self._pass(far, near, True)
            requests.join()

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        left: int | None = None
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_answer and left is None and self.is_cutting and self._cuts:
                    left = self._cuts.pop(0)
                target.sendall(data if left is None else data[:left])
                left = None if left is None else left - len(data)
                if left is not None and left <= 0:
                    break
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._threads:
            each.join()


def _node(network: Network) -> httpx.Client:
    """Speak for the node of the first organization."""
    station = next(iter(network.stations.values()))
    key = (station.config.parent / "api-key").read_text()
    url = f"{network.server.url}/api"
    token = httpx.post(f"{url}/token/node", json={"api_key": key}).json()["access_token"]
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def _finish(node: httpx.Client, client: Client, task_id: int, payload: BlobPayload) -> str:
    """Give a large result; returns what the node read as input."""
    (run,) = client.runs.list(task_id=task_id)
    given = node.get(f"/run/{run.id}").json()
    assert given["blob_storage_used"]
    read = node.get(f"/blobstream/{given['input']}").text
    blob = node.post("/blobstream", content=payload.pieces()).json()["uuid"]
    end = {
        "result": blob,
        "status": "completed",
        "finished_at": "2026-03-01T12:00:00",
        "started_at": "2026-03-01T11:00:00",
    }
    assert node.patch(f"/run/{run.id}", json=end).status_code == 200
    return read


def test_a_large_result_arrives_whole_over_a_connection_that_breaks(network: Network, alice: Client) -> None:
    organization = next(iter(network.organization_ids))
    order: dict[str, Any] = {"collaboration": "demo", "image": "hanse/summary", "method": "m"}
    task = alice.tasks.create(**order, organizations=[organization], arguments=LARGE)
    with _node(network) as node:
        _finish(node, alice, task.id, BlobPayload(json.dumps(LARGE).encode()))
    assert alice.session.tokens is not None
    proxy = Proxy(network.server.port, [1_000_000, 700_000, 200_000])
    wanted: list[str | None] = []
    with Client(proxy.url, tokens=alice.session.tokens, live=False) as client:
        client.whoami()
        client.session.transport.http.event_hooks = {"request": [lambda each: wanted.append(each.headers.get("Range"))]}
        proxy.is_cutting = True
        assert client.tasks.results(task).result == LARGE
    proxy.close()
    parts = [int(each.removeprefix("bytes=").removesuffix("-")) for each in wanted if each]
    assert len(parts) == 3
    assert parts == sorted(set(parts))


def test_the_same_in_an_encrypted_collaboration(network: Network, root: Client, alice: Client, tmp_path: Path) -> None:
    me = alice.whoami().organization
    assert me is not None
    key = keys.generate()
    (tmp_path / "key.pem").write_bytes(keys.private_to_pem(key))
    alice.setup_encryption(tmp_path / "key.pem", replace=True)
    name = f"sealed-{me.id}"
    collaboration = root.collaborations.create(name, [me.id], encrypted=True)
    node_key = root.nodes.create(collaboration.id, organization_id=me.id).api_key
    task = alice.tasks.create(collaboration=name, image="i", method="m", arguments=LARGE)
    url = f"{network.server.url}/api"
    token = httpx.post(f"{url}/token/node", json={"api_key": node_key}).json()["access_token"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as node:
        (run,) = alice.runs.list(task_id=task.id)
        given = node.get(f"/blobstream/{node.get(f'/run/{run.id}').json()['input']}").content
        assert given.count(b"$") >= 2
        assert b"xxxx" not in given
        blob = node.post("/blobstream", content=BlobPayload(json.dumps(LARGE).encode(), key.public_key()).pieces())
        end = {"result": blob.json()["uuid"], "status": "completed", "finished_at": "2026-03-01T12:00:00"}
        assert node.patch(f"/run/{run.id}", json=end).status_code == 200
    assert alice.tasks.results(task).result == LARGE


def test_a_second_factor_is_set_up_used_and_switched_off(network: Network, alice: Client) -> None:
    name = alice.whoami().username
    setup = alice.second_factor.set_up(PASSWORD)
    app = pyotp.TOTP(setup.otp_secret)
    codes = alice.second_factor.confirm(app.now())
    assert alice.second_factor.state().recovery_codes_left == len(codes)
    with Client(network.server.url, name, PASSWORD) as other, pytest.raises(SecondFactorNeeded, match="mfa_code"):
        other.login()
    with Client(network.server.url, name, PASSWORD, ask=lambda _: codes[0]) as other:
        assert other.login().username == name
    alice.second_factor.switch_off(PASSWORD, codes[1])
    with Client(network.server.url, name, PASSWORD) as other:
        assert other.login().username == name


def test_sessions_are_seen_and_ended(network: Network, alice: Client) -> None:
    name = alice.login().username
    with Client(network.server.url, name, PASSWORD) as other:
        other.login()
        other.session.credentials = None
        (mine,) = [each for each in alice.sessions.list() if each.is_current]
        assert len(alice.sessions.list()) == 2
        (theirs,) = [each for each in alice.sessions.list() if each.id != mine.id]
        alice.sessions.end(theirs.id)
        with pytest.raises(Unauthenticated, match="log in again"):
            other.organizations.list()
    with pytest.raises(NotFound):
        alice.sessions.end(theirs.id)
    alice.logout(everywhere=True)


def test_after_a_change_of_password_one_goes_on(alice: Client) -> None:
    alice.change_password(PASSWORD, "Another-horse-2")
    assert len(alice.sessions.list()) == 1


def test_a_script_has_a_token_of_its_own(
    network: Network, alice: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = alice.rules.list(user_id=alice.whoami().id)
    wanted = [each.id for each in mine if (each.name, each.operation) == ("task", "CREATE") or each.operation == "VIEW"]
    made = alice.access_tokens.create("nightly", rules=wanted)
    organization = next(iter(network.organization_ids))
    with Client(network.server.url, token=made.token) as script:
        assert script.whoami().username == alice.whoami().username
        task = script.tasks.create(collaboration="demo", image="i", method="m", organizations=[organization])
        with pytest.raises(Denied):
            script.access_tokens.list()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HANSE_TOKEN", str(made.token))
    assert main(["login", "--server", network.server.url, "--token"]) == 0
    assert main(["task", "show", str(task.id)]) == 0
    assert str(made.token) not in capsys.readouterr().out
    alice.access_tokens.revoke(made.id)
    assert main(["task", "list"]) == 1
    assert "ended or was revoked" in capsys.readouterr().err
    assert main(["logout"]) == 0
    assert not path_of("default").exists()


def test_programs_that_share_a_profile_share_the_login(
    network: Network, alice: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = alice.whoami().username
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HANSE_PASSWORD", PASSWORD)
    assert main(["login", "--server", network.server.url, "--user", name]) == 0
    with Client.from_profile() as first, Client.from_profile() as second:
        stale = first.session.tokens
        assert stale is not None
        renewed = _run(first.session.renew(stale))
        assert _run(second.session.renew(second.session.tokens)) == renewed
        assert json.loads(path_of("default").read_text())["refresh_token"] == renewed.refresh
    assert path_of("default").stat().st_mode & 0o777 == 0o600
    assert main(["logout"]) == 0
    assert re.search(rf"logged out {name} at", capsys.readouterr().out)
    assert not path_of("default").exists()


def _run(coroutine: Any) -> Any:
    from hanse._modes import finish

    return finish(coroutine)


async def test_invitations_bring_an_organization_in(network: Network, root: Client) -> None:
    delta = root.organizations.create("delta")
    root.users.create("delta-admin", PASSWORD, "d@example.org", organization_id=delta.id, roles=["Collaboration Admin"])
    sent = root.invitations.send("demo", "delta")
    async with AsyncClient(network.server.url, "delta-admin", PASSWORD) as client:
        (pending,) = await client.invitations.list(state="pending")
        assert pending.id == sent.id
        assert (await client.invitations.accept(sent.id)).state == "accepted"
    assert "delta" in [each.name for each in root.organizations.list(collaboration_id=network.collaboration_id)]


def test_how_long_results_are_kept_is_set_and_seen(root: Client, network: Network) -> None:
    changed = root.collaborations.update(network.collaboration_id, keep_results_days=30, keep_logs_days=0)
    assert (changed.keep_results_days, changed.keep_logs_days) == (30, 0)


def test_every_filter_of_tasks_runs_and_results_is_understood(alice: Client, network: Network) -> None:
    organization = next(iter(network.organization_ids.values()))
    task = alice.tasks.create(
        collaboration="demo", image="i", method="m", databases=["lung"], organizations=[organization]
    )
    where = {"collaboration_id": network.collaboration_id}
    me = alice.whoami().id
    chosen = alice.tasks.list(
        **where, init_user_id=me, init_org_id=organization, status="pending", database="lung", sort="-id", image="i"
    )
    assert [each.id for each in chosen] == [task.id]
    assert alice.tasks.list(**where, init_user_id=me, status="completed") == []
    assert alice.tasks.list(**where, init_user_id=me, database="liver") == []
    runs = alice.runs.list(**where, organization_id=organization, task_id=task.id, only_open=True, sort="id")
    assert len(runs) == 1
    assert alice.runs.list(task_id=task.id, started_from="2026-01-01") == []
    assert len(alice.results.list(**where, task_id=task.id, sort="id")) == 1
