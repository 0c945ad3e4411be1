"""Every public call of the unmodified v4 client, one after the other; run by the Python that has it.

stock_surface.py surface PLAN         on a new server; PLAN is JSON with url, port, root_password, mails (a folder where
                                      letters arrive) and, where there is one, the address of a store
stock_surface.py second-factor PLAN   afterwards, on the same server with `two_factor_auth`

Prints which calls were made and which exist, as JSON. Works with clients from 4.12 on.
"""

import contextlib
import json
import sys
import time
from pathlib import Path

import pyotp
from vantage6.client import UserClient
from vantage6.common.client import client_base

PASSWORD, NEXT_PASSWORD, LAST_PASSWORD = "Stock-client-1", "Stock-client-2", "Stock-client-3"
SUB_CLIENTS = (
    "util", "collaboration", "organization", "user", "task", "run", "result", "role", "node", "rule", "study", "store",
)  # fmt: skip
called: set[str] = set()


class Noted:
    """Passes calls on to a sub-client and notes which."""

    def __init__(self, name: str, sub_client: object) -> None:
        self._name, self._sub_client = name, sub_client

    def __getattr__(self, method: str) -> object:
        called.add(f"{self._name}.{method}")
        return getattr(self._sub_client, method)


class Calls:
    """All sub-clients of a logged-in client, noted."""

    def __init__(self, client: UserClient) -> None:
        self.client = client
        for name in SUB_CLIENTS:
            setattr(self, name, Noted(name, getattr(client, name)))


def existing() -> set[str]:
    client = UserClient("http://127.0.0.1", 1, "/api", log_level="error")
    return {
        f"{name}.{method}"
        for name in SUB_CLIENTS
        for method in dir(getattr(client, name))
        if not method.startswith("_") and method != "parent" and callable(getattr(getattr(client, name), method))
    }


def connect(plan: dict, username: str, password: str, code: str | None = None, key: str | None = None) -> Calls:
    client = UserClient(plan["url"], int(plan["port"]), "/api", log_level="error")
    client.authenticate(username, password, **({"mfa_code": code} if code else {}))
    client.setup_encryption(key)
    return Calls(client)


def data(answer: dict) -> list:
    assert isinstance(answer, dict), answer
    assert "data" in answer, answer
    return answer["data"]


def names(answer: dict) -> list:
    return [item["name"] for item in data(answer)]


def organizations(root: Calls) -> dict:
    made = {
        name: root.organization.create(name, "street 1", "", "1000", "DE", f"{name}.example")
        for name in ("a", "b", "c")
    }
    ids = {name: item["id"] for name, item in made.items()}
    assert root.organization.get(ids["a"])["name"] == "a"
    assert names(root.organization.list(name="a")) == ["a"]
    assert root.organization.update(ids["a"], country="NL")["country"] == "NL"
    doomed = root.organization.create("doomed", "", "", "", "", "")
    root.organization.delete(doomed["id"])
    assert names(root.organization.list(name="doomed")) == []
    return ids


def collaborations(root: Calls, ids: dict) -> dict:
    made = root.collaboration.create("first", [ids["a"], ids["b"]], encrypted=False)
    assert root.collaboration.get(made["id"])["encrypted"] is False
    assert names(root.collaboration.list(scope="global", encrypted=False)) == ["first"]
    assert len(root.collaboration.add_organization(ids["c"], made["id"])) == 3
    assert len(root.collaboration.remove_organization(ids["c"], made["id"])) == 2
    assert root.collaboration.update(made["id"], name="renamed")["name"] == "renamed"
    doomed = root.collaboration.create("doomed", [ids["c"]], encrypted=True)
    root.collaboration.delete(doomed["id"])
    assert names(root.organization.list(collaboration=made["id"])) == ["a", "b"]
    return made


def studies(root: Calls, ids: dict, collaboration: int) -> dict:
    made = root.study.create("st", [ids["a"]], collaboration)
    assert root.study.get(made["id"])["name"] == "st"
    assert names(root.study.list(collaboration=collaboration)) == ["st"]
    assert len(root.study.add_organization(ids["b"], made["id"])) == 2
    assert len(root.study.remove_organization(ids["b"], made["id"])) == 1
    assert root.study.update(made["id"], name="study")["name"] == "study"
    doomed = root.study.create("doomed", [ids["a"]], collaboration)
    root.study.delete(doomed["id"])
    return made


def nodes(root: Calls, ids: dict, collaboration: int) -> dict:
    made = {name: root.node.create(collaboration, ids[name], name=f"node {name}") for name in ("a", "b")}
    assert len(made["a"]["api_key"]) == 36
    assert root.node.get(made["a"]["id"])["name"] == "node a"
    assert names(root.node.list(organization=ids["a"])) == ["node a"]
    assert names(root.node.list(is_online=True)) == []
    assert root.node.update(made["a"]["id"], name="node A")["name"] == "node A"
    assert "not online" in root.node.kill_tasks(made["a"]["id"])["msg"]
    return made


def rules_and_roles(root: Calls, ids: dict) -> dict:
    assert root.rule.get(1)["id"] == 1
    rule = data(root.rule.list(name="task", operation="view", scope="collaboration"))[0]
    role = root.role.create("helper", "helps", [rule["id"]], organization=ids["a"])
    assert root.role.get(role["id"])["name"] == "helper"
    assert names(root.role.list(organization=ids["a"])) == ["helper"]
    assert root.role.update(role["id"], description="helps more")["description"] == "helps more"
    doomed = root.role.create("doomed", "", [rule["id"]], organization=ids["a"])
    root.role.delete(doomed["id"])
    return role


def users(root: Calls, ids: dict, role: dict) -> dict:
    roles = {item["name"]: item["id"] for item in data(root.role.list(include_root=True))}
    made = root.user.create(
        "ada",
        "Ada",
        "Lovelace",
        PASSWORD,
        "ada@a.example",
        organization=ids["a"],
        roles=[roles["Collaboration Admin"], role["id"]],
    )
    assert root.user.get(made["id"])["firstname"] == "Ada"
    assert [item["username"] for item in data(root.user.list(organization=ids["a"]))] == ["ada"]
    assert root.user.update(made["id"], lastname="King")["lastname"] == "King"
    doomed = root.user.create("doomed", "D", "D", PASSWORD, "d@a.example", organization=ids["a"])
    root.user.delete(doomed["id"])
    return made


def tasks(ada: Calls, ids: dict, collaboration: int, study: int) -> None:
    question = {"method": "m", "args": [], "kwargs": {}}
    made = ada.task.create(
        organizations=[ids["a"], ids["b"]], name="t", image="hanse/none", description="d", input_=question,
        collaboration=collaboration, databases=[{"label": "default"}],
    )  # fmt: skip
    key = made["id"]
    assert ada.task.get(key)["status"] == "pending"
    assert len(ada.task.get(key, include_results=True)["results"]) == 2
    runs = data(ada.run.from_task(key))
    shown = ada.run.get(runs[0]["id"])["input"]
    assert question in (shown, json.loads(shown)), shown
    assert len(data(ada.run.list(task=key, include_task=True))) == 2
    assert data(ada.run.list(task=key, port=1)) == []
    assert names(ada.task.list(collaboration=collaboration, status="pending")) == ["t"]
    assert names(ada.task.list(run=runs[0]["id"])) == ["t"]
    assert ada.result.get(runs[0]["id"]) is None  # the client gives the opened result, and there is none yet
    assert len(data(ada.result.from_task(key))) == 2
    ada.task.kill(key)
    assert ada.task.get(key)["status"] == "killed by user"
    assert ada.client.wait_for_results(key)["data"]
    in_study = ada.task.create(
        organizations=[ids["a"]], name="s", image="hanse/none", description="", input_=question, study=study,
        databases=[{"label": "default"}],
    )  # fmt: skip
    assert names(ada.task.list(study=study)) == ["s"]
    for made_id in (in_study["id"], key):
        ada.task.delete(made_id)
    assert names(ada.task.list(collaboration=collaboration)) == []


def sealed(plan: dict, root: Calls, ids: dict) -> None:
    """In an encrypted collaboration; the question goes to ada's own organization, so that she can open it again."""
    collaboration = root.collaboration.create("sealed", [ids["a"]], encrypted=True)["id"]
    root.node.create(collaboration, ids["a"], name="sealed node")
    ada = connect(plan, "ada", PASSWORD, key=str(Path(plan["mails"]) / "key.pem"))
    assert root.organization.get(ids["a"])["public_key"]
    question = {"method": "m", "args": [], "kwargs": {"text": "Grüße"}}
    made = ada.task.create(
        organizations=[ids["a"]], name="t", image="hanse/none", description="d", input_=question,
        collaboration=collaboration, databases=[{"label": "default"}],
    )  # fmt: skip
    run = data(ada.run.from_task(made["id"]))[0]["id"]
    opened = ada.run.get(run)["input"]
    assert question in (opened, json.loads(opened)), opened
    assert ada.client.request(f"run/{run}")["input"].count("$") == 2  # key, vector and text


def stores(root: Calls, url: str, collaboration: int) -> None:
    made = root.store.create(url, "store", collaboration=collaboration, force=True)
    assert root.store.get(made["id"])["url"].rstrip("/") == url.rstrip("/"), made
    assert names(root.store.list(collaboration=collaboration)) == ["store"]
    assert root.store.update(made["id"], name="renamed")["name"] == "renamed"
    root.store.set(made["id"])
    root.store.delete(made["id"])
    assert names(root.store.list()) == []


def letter(folder: str, known: set[str]) -> str:
    """Wait for a new letter with a token, which stands on a line of its own; other letters are passed over."""
    for _ in range(300):
        for path in sorted(Path(folder).glob("*.txt")):
            if path.name not in known:
                known.add(path.name)
                lines = [line.strip() for line in path.read_text().splitlines()]
                if tokens := [line for line in lines if len(line) > 20 and " " not in line and "://" not in line]:
                    return tokens[0]
        time.sleep(0.1)
    raise AssertionError("no letter with a token arrived")


def passwords(plan: dict) -> None:
    known: set[str] = set()
    ada = connect(plan, "ada", PASSWORD)
    assert "msg" in ada.util.change_my_password(PASSWORD, NEXT_PASSWORD)
    ada = connect(plan, "ada", NEXT_PASSWORD)
    assert "msg" in ada.util.reset_my_password(username="ada")
    assert "msg" in ada.util.set_my_password(letter(plan["mails"], known), LAST_PASSWORD)
    ada = connect(plan, "ada", LAST_PASSWORD)
    connect(plan, "ada", LAST_PASSWORD)


def second_factor(plan: dict) -> None:
    """On a server that asks for it: the first log-in shows the code, a lost device is replaced by mail."""
    known = {path.name for path in Path(plan["mails"]).iterdir()}
    shown: list[dict] = []
    client_base.print_qr_code = shown.append
    client = UserClient(plan["url"], int(plan["port"]), "/api", log_level="error")
    client.authenticate("ada", LAST_PASSWORD)
    assert shown[0]["qr_uri"].startswith("otpauth://totp/"), shown
    ada = connect(plan, "ada", LAST_PASSWORD, pyotp.TOTP(shown[0]["otp_secret"]).now())
    with contextlib.suppress(Exception):
        connect(plan, "ada", LAST_PASSWORD)
        raise SystemExit("a log-in without the second factor was let in")
    assert "msg" in ada.util.reset_two_factor_auth(LAST_PASSWORD, username="ada")
    setting = ada.util.set_two_factor_auth(letter(plan["mails"], known))
    connect(plan, "ada", LAST_PASSWORD, pyotp.TOTP(setting["otp_secret"]).now())


def surface(plan: dict) -> None:
    root = connect(plan, "root", plan["root_password"])
    assert root.util.get_server_version()["version"].startswith("4.15.")
    assert root.util.get_server_health() == {"database": True}
    root.util.generate_private_key(str(Path(plan["mails"]) / "key.pem"))
    ids = organizations(root)
    collaboration = collaborations(root, ids)["id"]
    study = studies(root, ids, collaboration)["id"]
    made = nodes(root, ids, collaboration)
    users(root, ids, rules_and_roles(root, ids))
    tasks(connect(plan, "ada", PASSWORD), ids, collaboration, study)
    root.node.delete(made["b"]["id"])
    sealed(plan, root, ids)
    if plan.get("store"):
        stores(root, plan["store"], collaboration)
    passwords(plan)


if __name__ == "__main__":
    {"surface": surface, "second-factor": second_factor}[sys.argv[1]](json.loads(sys.argv[2]))
    print("\n" + json.dumps({"called": sorted(called), "existing": sorted(existing())}))
