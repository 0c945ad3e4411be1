"""What happens at the place that is frozen: a small federation, in which everything that a release can store occurs."""

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pyotp

from freezing.packing import BLOBS, CLIENT, NODE, VALUES
from freezing.provider import PERSON, visit
from hanse import Client
from hanse_core.crypto import keys
from hanse_core.crypto.sealer import EnvelopeSealer, PlainSealer
from hanse_core.crypto.streams import BlobPayload
from hanse_core.states import RunStatus
from hanse_node.journal import Journal
from hanse_node.runs import Phase
from hanse_sandbox import misbehaving
from hanse_sandbox.network import Server, Station

SECRET = "a secret of a frozen server, of more than thirty-two bytes"
PASSWORDS = {name: f"Correct-horse-{len(name)}" for name in ("alice", "bob", "dave")}
NEW_PASSWORD = "Another-horse-2"
PATIENTS = "age,sex\n" + "".join(f"{30 + number},{number % 2 + 1}\n" for number in range(40))
SUMMARY: dict[str, Any] = {"image": "hanse/summary", "method": "totals", "arguments": {"columns": ["age"]}}
LARGE = {"text": "long " * 1000}
DAYS = 3650
"""How long what is frozen must go on working; the server allows no more."""
PAUSE = 0.05


class _Store(BaseHTTPRequestHandler):
    """An algorithm store that accepts every server."""

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_GET(self) -> None:
        self._answer(200, {"version": "4.15.2"})

    def do_POST(self) -> None:
        self._answer(201, {"id": 1})

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def _store() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Store)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Voice:
    """Speaks to the server as a node would whose key this is."""

    def __init__(self, url: str, api_key: str) -> None:
        token = httpx.post(f"{url}/api/token/node", json={"api_key": api_key}).json()["access_token"]
        self._http = httpx.Client(base_url=f"{url}/api", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def __call__(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._http.request(method, path, **arguments)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def report(self, run_id: int, status: RunStatus, result: str | None = None, log: str | None = None) -> None:
        """Report where a run stands."""
        body = {"status": status.value, "result": result, "log": log, "started_at": "2026-01-02T03:04:05.000006"}
        if status.is_finished:
            body["finished_at"] = "2026-01-02T03:05:06.000007"
        self("PATCH", f"/run/{run_id}", json={name: value for name, value in body.items() if value is not None})


class Story:
    """Lives through it; `facts` is what can be held to later."""

    def __init__(self, folder: Path, uri: str, issuer: str) -> None:
        self.folder = folder
        self.uri = uri
        self.server = Server(folder)
        self.facts: dict[str, Any] = {"results": {}, "runs": {}, "api_keys": {}, "organizations": {}}
        self._issuer = issuer

    def live(self) -> None:
        """Let everything happen; in the end all processes have ended."""
        (self.folder / "patients.csv").write_text(PATIENTS)
        (self.folder / "key.pem").write_bytes(keys.private_to_pem(keys.generate()))
        self.server.configure(**self._settings())
        try:
            if not self.uri.startswith("sqlite"):
                self._hanse("migrate")
            self.server.start()
            self._found()
            self._work()
            self._work_without_server()
            self._work_with_blobs()
        finally:
            self.server.process.stop()
        (self.folder / "new-password").write_text(NEW_PASSWORD)
        # Told by the next server: nobody runs who could take it out of the outbox.
        self._hanse("user", "password", "dave", "--password-file", str(self.folder / "new-password"))

    def _settings(self) -> dict[str, Any]:
        group = {"organization": "alpha", "roles": ["Researcher"]}
        hospital = {
            "name": "hospital", "issuer": self._issuer, "client_id": "hanse", "client_secret": "secret-of-hanse",
            "groups": {"researchers": group}, "unknown_users": "create", "roles_last_days": DAYS,
        }  # fmt: skip
        return {
            "uri": self.uri,
            "jwt_secret_key": SECRET,
            "server_name": "frozen",
            "server_url": self.server.url,
            "token_expires_hours": 0.25,
            "refresh_token_expires_hours": DAYS * 24,
            "sessions": {"max_days": DAYS, "access_token_max_days": DAYS},
            "invitation_validity_days": DAYS,
            "password_policy": {"minimum_length": 10},
            "cors_allowed_origins": ["https://ui\\.example"],
            "values": {"inline_bytes": 1024},
            "blobs": {"type": "files", "folder": str(self.folder / VALUES)},
            "algorithm_stores": {"allowed_hosts": ["127.0.0.1"]},
            "smtp": {"server": "127.0.0.1", "port": 9, "email_from": "hanse@example.org"},
            "oidc": [hospital],
        }

    def _hanse(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "hanse_core", "server", *arguments, "--config", f"{self.folder}/server.yaml"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def client(self, name: str) -> Client:
        """Log in as one of those whose password is known and who need no second factor."""
        return Client(self.server.url, name, self.facts["passwords"][name], live=False)

    def _found(self) -> None:
        """Found the federation: who there is, and how they log in."""
        facts = self.facts
        facts["passwords"] = {"root": self.server.root_password, **PASSWORDS}
        with self.client("root") as root, _store() as store:
            places = facts["organizations"]
            for name in ("alpha", "beta"):
                places[name] = root.organizations.create(name).id
            members = list(places.values())
            open_, sealed = (
                root.collaborations.create(name, members, encrypted=name == "sealed", keep_logs_days=DAYS).id
                for name in ("open", "sealed")
            )
            facts["collaborations"] = {"open": open_, "sealed": sealed}
            facts["study"] = root.studies.create("pair", open_, members).id
            rules = [each.id for each in root.rules.list() if each.name == "task"]
            facts["role"] = root.roles.create("Curator", rules[:2], organization_id=places["alpha"]).id
            held: list[int | str] = ["Researcher", "Organization Admin"]
            for name, place in (("alice", "alpha"), ("bob", "beta"), ("dave", "beta")):
                own = [*held, facts["role"]] if name == "alice" else held
                email = f"{name}@example.org"
                root.users.create(name, PASSWORDS[name], email, organization_id=places[place], roles=own)
            for name, place, collaboration in (
                ("alpha", "alpha", open_),
                ("beta", "beta", open_),
                ("sealed", "alpha", sealed),
            ):
                made = root.nodes.create(collaboration, organization_id=places[place], name=name)
                facts["api_keys"][name] = made.api_key
            facts["store"] = root.algorithm_stores.couple("Reviewed", store, collaborations=["open"], force=True).id
            root.user_invitations.send("erin@example.org", organization_id=places["alpha"], roles=["Researcher"])
            guest = root.organizations.create("guest").id
            facts["invitation"] = root.invitations.send("open", guest).id
        self._log_in()

    def _log_in(self) -> None:
        """Log in in every way, and keep what one can come back with."""
        with self.client("alice") as alice:
            self.facts["access_token"] = alice.access_tokens.create("nightly", read_only=True, days=DAYS).token
            setup = alice.second_factor.set_up(PASSWORDS["alice"])
            step = int(time.time()) // 30
            codes = alice.second_factor.confirm(pyotp.TOTP(setup.otp_secret).at(step * 30))
            self.facts["otp"] = {"secret": setup.otp_secret, "last_step": step, "recovery_codes": codes}
        environment = {"XDG_CONFIG_HOME": str(self.folder / CLIENT), "HANSE_PASSWORD": PASSWORDS["bob"]}
        command = [sys.executable, "-m", "hanse_core", "login", "--server", self.server.url, "--user", "bob"]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        with Client(self.server.url, live=False) as carol:
            user = carol.log_in_with("hospital", device=False, open_browser=visit, show=lambda text: None)
            assert user.username == PERSON
            self.facts["external"] = {"username": user.username, "id": user.id}

    def _alice(self) -> Client:
        """Log in with one of the recovery codes: one of the app works every 30 seconds only."""
        code = self.facts["otp"]["recovery_codes"].pop()
        return Client(self.server.url, "alice", PASSWORDS["alice"], mfa_code=code, live=False)

    def _note(self, name: str, task_id: int, result: Any) -> None:
        self.facts["results"][name] = {"task": task_id, "result": result}

    def _work(self) -> None:
        """Have a run in each state, and results that are short, long and sealed."""
        beta = Voice(self.server.url, self.facts["api_keys"]["beta"])
        with self._alice() as alice:
            for status in RunStatus:
                self._state(alice, beta, status)
            task = alice.tasks.create(
                collaboration="open", image="i", method="m", organizations=["beta"], arguments=LARGE
            )
            (run,) = alice.runs.list(task_id=task.id)
            beta.report(run.id, RunStatus.COMPLETED, _plain(LARGE))
            self._note("values", task.id, LARGE)
            self._sealed(alice)

    def _state(self, alice: Client, beta: Voice, status: RunStatus) -> None:
        task = alice.tasks.create(
            collaboration="open", study="pair", image="registry.example/algo:1", method="m", organizations=["beta"],
            name=status.value, databases=[{"label": "default", "query": "SELECT 1"}],
        )  # fmt: skip
        (run,) = alice.runs.list(task_id=task.id)
        self.facts["runs"][str(run.id)] = status.value
        if status is RunStatus.PENDING:
            token = beta("POST", "/token/container", json={"task_id": task.id, "image": "registry.example/algo:1"})
            organization = {"id": self.facts["organizations"]["beta"], "input": _plain({"method": "partial"})}
            body = {"name": "child", "image": "registry.example/algo:1", "organizations": [organization]}
            body |= {"collaboration_id": self.facts["collaborations"]["open"], "databases": [{"label": "default"}]}
            headers = {"Authorization": f"Bearer {token['container_token']}"}
            self.facts["child"] = {"id": beta("POST", "/task", json=body, headers=headers)["id"], "parent": task.id}
        elif status is RunStatus.COMPLETED:
            beta.report(run.id, status, _plain({"mean": 61.5}), "all is well")
            self._note("inline", task.id, {"mean": 61.5})
        else:
            beta.report(run.id, status, log=f"it is {status.value}")

    def _sealed(self, alice: Client) -> None:
        alice.setup_encryption(self.folder / "key.pem")
        task = alice.tasks.create(
            collaboration="sealed", image="i", method="m", organizations=["alpha"], arguments={"n": 1}
        )
        (run,) = alice.runs.list(task_id=task.id)
        sealer = EnvelopeSealer(keys.load_private(self.folder / "key.pem"))
        result = sealer.seal(b'{"sealed": true}', sealer.public_key)
        Voice(self.server.url, self.facts["api_keys"]["sealed"]).report(run.id, RunStatus.COMPLETED, result)
        self._note("sealed", task.id, {"sealed": True})

    def _work_without_server(self) -> None:
        """Have a real node work, then end a run while there is no server: its result is left in the node's folder."""
        images = {"hanse/summary": "hanse_summary", misbehaving.IMAGE: misbehaving.PACKAGE}
        data = {"default": self.folder / "patients.csv"}
        key = self.facts["api_keys"]["alpha"]
        station = Station(NODE, self.folder, self.server, key, data, images, on_stop="leave")
        station.process.start()
        try:
            with self._alice() as alice:
                where: dict[str, Any] = {"collaboration": "open", "organizations": ["alpha"]}
                done = alice.tasks.create(**where, **SUMMARY)
                self._note("of the node", done.id, alice.tasks.wait(done, timeout=60, progress=False).result)
                order: dict[str, Any] = {"image": misbehaving.IMAGE, "method": "waits", "arguments": {"seconds": 1.5}}
                task = alice.tasks.create(**where, **order, databases=[], name="pending result")
                (run,) = alice.runs.list(task_id=task.id)
                _until(lambda: alice.runs.get(run.id).status is RunStatus.ACTIVE)
                self.server.process.kill()
            # Not only written: the record must say so too, for what a run leaves before that is not kept.
            _until(lambda: _phase(station.directory, run.id) is Phase.SEALED)
        finally:
            station.process.stop()
        answer = station.directory / "answers" / f"{run.id}.json"
        result = json.loads(base64.b64decode(json.loads(answer.read_text())["result"]))
        self.facts["pending"] = {"task": task.id, "run": run.id, "result": result}
        self.server.start()
        with self._alice() as alice:
            self.facts["waiting"] = alice.tasks.create(**where, **SUMMARY, name="waits for the node").id

    def _work_with_blobs(self) -> None:
        """Switch the blob protocol on, and use it."""
        self.server.process.stop()
        self.server.configure(large_result_store={"type": "files", "folder": str(self.folder / BLOBS)})
        self.server.start()
        beta = Voice(self.server.url, self.facts["api_keys"]["beta"])
        with self._alice() as alice:
            task = alice.tasks.create(collaboration="open", image="i", method="m", organizations=["beta"])
            (run,) = alice.runs.list(task_id=task.id)
            payload = b"".join(BlobPayload(json.dumps(LARGE).encode()).pieces())
            beta.report(run.id, RunStatus.COMPLETED, beta("POST", "/blobstream", content=payload)["uuid"])
            self._note("blob", task.id, LARGE)
            waiting = alice.tasks.create(collaboration="open", organizations=["alpha"], **SUMMARY, name="with a blob")
            self.facts["waiting with a blob"] = waiting.id
        with self.client("root") as root:
            self.facts["tasks"] = len(root.tasks.list())


def _phase(directory: Path, run_id: int) -> Phase:
    with Journal(directory / "journal.sqlite") as journal:
        return journal.find([run_id])[run_id].phase


def _plain(value: Any) -> str:
    return PlainSealer().seal(json.dumps(value).encode())


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen in time")
        time.sleep(PAUSE)
