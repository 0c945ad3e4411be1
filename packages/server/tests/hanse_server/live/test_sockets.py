"""What identities hear over real sockets, against recordings of the stock server."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hanse_server.collaborations.models import Node
from hanse_server.live.allowance import Allowance
from hanse_server.tasks.models import Run
from hanse_server.tasks.rules import CUT, LOG_LIMIT
from hanse_web.clock import FixedClock


def _node(recorded: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(e["event"], e["args"][0] if e["args"] else None) for e in recorded if e["event"] != "connect"]


async def _shown(clients: Any, node: Node) -> dict[str, Any]:
    """Give how a node is shown, but for when it was last seen."""
    shown: dict[str, Any] = (await clients.user("root").get(f"/node/{node.id}")).json()
    return {name: value for name, value in shown.items() if name != "last_seen"}


async def test_connecting_is_heard_as_recorded(harbour: Any, world: Any, recording_data: Any) -> None:
    recorded = recording_data("17")["received_per_identity"]
    alice = await harbour.user(world.users["alice"])
    alpha = await harbour.node(world.alpha_main)
    beta = await harbour.node(world.beta_main)
    await alice.hears("message", 4)
    await alpha.hears("node-online")

    names = [name for name, _ in _node(recorded["node beta-main"])]
    assert [name for name, _ in beta.heard] == names
    assert beta.data_of("message") == [
        f"Node <beta main node> joined room <collaboration_{world.main.id}>",
        f"Node <beta main node> joined room <collaboration_{world.main.id}_organization_{world.beta.id}>",
    ]
    assert alpha.data_of("sync") == [None]
    assert alpha.data_of("node-online") == [
        {"id": world.beta_main.id, "name": "beta main node", "org_id": world.beta.id}
    ]
    assert [data["id"] for data in alice.data_of("node-online")] == [world.alpha_main.id, world.beta_main.id]


async def test_nodes_of_other_collaborations_hear_nothing_of_each_other(harbour: Any, world: Any, clients: Any) -> None:
    gamma = await harbour.node(world.gamma_other)
    alpha = await harbour.node(world.alpha_main)
    await clients.task()
    await alpha.hears("new_task")
    await alpha.leave()
    await asyncio.sleep(0.05)

    assert [name for name, _ in gamma.heard] == ["sync", "message", "message"]


async def test_being_online_is_shown_and_ends_with_the_last_socket(
    harbour: Any, world: Any, clients: Any, recording_data: Any
) -> None:
    alice = await harbour.user(world.users["alice"])
    first, second = await harbour.node(world.alpha_main), await harbour.node(world.alpha_main)
    await first.tell("node_info_update", {"encryption": True})
    shown = await _shown(clients, world.alpha_main)
    while not shown["config"]:
        shown = await _shown(clients, world.alpha_main)

    async def status() -> str:
        return str((await _shown(clients, world.alpha_main))["status"])

    assert await status() == "online"
    await first.leave()
    await alice.hears("message", 5)
    assert await _shown(clients, world.alpha_main) == shown, "still online, with what it shared"
    await second.leave()
    gone = await alice.hears("node-offline")
    assert await status() == "offline"
    recorded = recording_data("52")["received_per_identity"]["user alice (Researcher, org alpha)"]
    assert [name for name, _ in alice.heard][-2:] == [event["event"] for event in recorded]
    assert gone == {"id": world.alpha_main.id, "name": "alpha - main Node", "org_id": world.alpha.id}
    assert f"alpha - main Node left room collaboration_{world.main.id}" in alice.data_of("message")
    assert len(alice.data_of("node-online")) == 1


async def test_a_new_task_reaches_the_nodes_and_users_of_its_collaboration(
    harbour: Any, world: Any, clients: Any, recording_data: Any
) -> None:
    heard = [await harbour.user(world.users["alice"]), await harbour.node(world.beta_main)]

    task = await clients.task(organizations="alpha")
    container = await clients.container("alpha_main", task["id"])
    places = [{"id": world.beta.id, "input": "e30="}]
    body = {"image": task["image"], "collaboration_id": world.main.id, "organizations": places}
    sub = (await container.post("/task", json=body)).json()

    for listener in heard:
        await listener.hears("new_task", 2)
        ours = [{"id": task["id"], "parent_id": None}, {"id": sub["id"], "parent_id": task["id"]}]
        assert listener.data_of("new_task") == ours
    for name, told in (("21", ours[0]), ("28", ours[1])):
        recorded = recording_data(name)["received_per_identity"]["node beta-main"][0]
        assert (recorded["event"], recorded["args"][0].keys()) == ("new_task", told.keys())


async def test_a_node_tells_of_its_run_and_everything_else_is_read_from_the_run(
    harbour: Any, world: Any, clients: Any, recording_data: Any
) -> None:
    alice, alpha = await harbour.user(world.users["alice"]), await harbour.node(world.alpha_main)
    task = await clients.task()
    run = (await clients.runs(task["id"]))[world.alpha.id]
    claimed = {"status": "active", "run_id": run["id"], "task_id": 99, "collaboration_id": 99, "node_id": 99}

    await alpha.tell("algorithm_status_change", {**claimed, "organization_id": 99, "parent_id": 99})
    told = await alice.hears("algorithm_status_change")

    recorded = recording_data("24")["received_per_identity"]["user alice (Researcher, org alpha)"]
    assert set(told) == set(next(e["args"][0] for e in recorded if e["event"] == "algorithm_status_change"))
    assert told == {
        "status": "active",
        "run_id": run["id"],
        "task_id": task["id"],
        "job_id": task["job_id"],
        "collaboration_id": world.main.id,
        "node_id": world.alpha_main.id,
        "organization_id": world.alpha.id,
        "parent_id": None,
    }


async def test_log_lines_are_stored_in_order_and_passed_on(harbour: Any, world: Any, clients: Any) -> None:
    alice, alpha = await harbour.user(world.users["alice"]), await harbour.node(world.alpha_main)
    task = await clients.task()
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]

    for number in range(20):
        line = f"line {number}" + ("\n" if number % 2 else "")
        await alpha.tell("algorithm_log", {"run_id": run_id, "task_id": 1, "collaboration_id": 1, "log": line})
    await alice.hears("algorithm_log", 20)

    stored = (await clients.runs(task["id"]))[world.alpha.id]["log"]
    assert stored.split("\n") == [*(f"line {number}" for number in range(20)), ""]
    assert alice.data_of("algorithm_log")[0] == {"run_id": run_id, "task_id": task["id"], "log": "line 0"}
    await clients.finish("alpha_main", run_id)
    assert (await clients.runs(task["id"]))[world.alpha.id]["log"] == "done"


async def test_a_full_log_takes_no_more_over_the_socket(harbour: Any, world: Any, clients: Any, make: Any) -> None:
    alice, alpha = await harbour.user(world.users["alice"]), await harbour.node(world.alpha_main)
    task = await clients.task()
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    make.add(Run(id=run_id, log="x" * (LOG_LIMIT - 200)))

    for line in ("y" * 500, "dropped"):
        await alpha.tell("algorithm_log", {"run_id": run_id, "log": line})
    await alpha.tell("algorithm_status_change", {"run_id": run_id, "status": "active"})  # said last, heard last
    await alice.hears("algorithm_status_change")

    assert [told["log"] for told in alice.data_of("algorithm_log")] == ["y" * 500]
    stored = (await clients.runs(task["id"]))[world.alpha.id]["log"]
    assert len(stored) <= LOG_LIMIT
    assert stored.endswith("y" + CUT)


async def test_what_is_not_the_nodes_own_is_ignored(harbour: Any, world: Any, clients: Any) -> None:
    alice, gamma = await harbour.user(world.users["alice"]), await harbour.node(world.gamma_other)
    alpha, beta = await harbour.node(world.alpha_main), await harbour.node(world.beta_main)
    task = await clients.task(organizations="alpha")
    run = (await clients.runs(task["id"]))[world.alpha.id]
    forged = {"run_id": run["id"], "task_id": task["id"], "collaboration_id": world.main.id}

    for sender in (gamma, beta, alice):
        await sender.tell("algorithm_log", {**forged, "log": "forged"})
        await sender.tell("algorithm_status_change", {**forged, "status": "completed"})
        await sender.tell("node_info_update", "not even an object")
    for odd in ({"run_id": "1"}, {"run_id": run["id"], "status": "nonsense"}, {"run_id": run["id"], "log": 3}, None):
        await alpha.tell("algorithm_log", odd)
        await alpha.tell("algorithm_status_change", odd)
    await clients.finish("alpha_main", run["id"])
    await alpha.tell("algorithm_log", {**forged, "log": "after the end"})
    await alpha.tell("algorithm_status_change", {**forged, "status": "active"})

    told = await alice.hears("algorithm_status_change")
    assert told["status"] == "completed"  # what is stored, for a run that has ended
    assert alice.data_of("algorithm_log") == []
    assert (await clients.runs(task["id"]))[world.alpha.id]["log"] == "done"


async def test_shared_settings_are_shown_while_the_node_is_connected(
    harbour: Any, world: Any, clients: Any, until: Any
) -> None:
    alpha = await harbour.node(world.alpha_main)
    anna = clients.user("anna")
    path = f"/node/{world.alpha_main.id}"

    for labels in (["old"], ["default", "second"]):
        await alpha.tell("node_info_update", {"encryption": True, "database_labels": labels})
    shown: list[Any] = []
    while len(shown) != 3:
        shown = (await anna.get(path)).json()["config"]
    assert [row["value"] for row in shown] == ["true", "default", "second"]

    alice = await harbour.user(world.users["alice"])
    await alpha.leave()
    await alice.hears("node-offline")
    assert (await anna.get(path)).json()["config"] == []


@pytest.mark.parametrize(
    ("kind", "told"),
    [("expired", "expired_token"), ("forged", "invalid_token"), ("revoked", "invalid_token")]
    + [(kind, None) for kind in ("missing", "garbage", "container", "refresh")],
)
async def test_bad_tokens_are_told_why_and_then_closed(
    harbour: Any, world: Any, clock: Any, recording_data: Any, kind: str, told: str | None
) -> None:
    good = harbour.token("node", world.alpha_main.id, life=timedelta(minutes=1))
    tokens = {
        "expired": good,
        "forged": good[:-6] + "AAAAAA",
        "revoked": harbour.token("node", world.alpha_main.id, ver=7),
        "missing": None,
        "garbage": "garbage",
        "container": harbour.token("container", {"node_id": 2, "task_id": 1}),
        "refresh": harbour.token("node", world.alpha_main.id, kind="refresh"),
    }
    if kind == "expired":
        clock.moment += timedelta(minutes=2)
    harbour.app.state.live.namespace.refused_seconds = 0.05

    listener = await harbour.connect(tokens[kind])
    await listener.hears("disconnect")

    recorded = {"expired": "expired token", "forged": "wrong signature", "missing": "no token", "garbage": "garbage"}
    if kind in recorded:
        events = recording_data("53")["received_per_identity"][recorded[kind]]
        assert [event["event"] for event in events if event["event"].endswith("_token")] == ([told] if told else [])
    assert [name for name, _ in listener.heard] == [*([told] if told else []), "disconnect"]
    assert harbour.app.state.live.connections.identities == set()


async def test_a_node_taken_out_of_its_collaboration_loses_its_socket(harbour: Any, world: Any, clients: Any) -> None:
    harbour.app.state.live.namespace.refused_seconds = 0.05
    alpha = await harbour.node(world.alpha_main)

    await clients.user("root").request("DELETE", "/collaboration/1/node", json={"id": world.alpha_main.id})

    await alpha.hears("disconnect")
    assert alpha.heard[-2:] == [("invalid_token", None), ("disconnect", None)]


async def test_polling_alone_works_and_other_namespaces_are_closed(harbour: Any, world: Any, clients: Any) -> None:
    listener = await harbour.connect(harbour.token("node", world.alpha_main.id), transports=("polling",))
    await listener.hears("message", 2)
    task = await clients.task()

    assert (await listener.hears("new_task"))["id"] == task["id"]
    async with httpx.AsyncClient(base_url=harbour.url) as raw:
        handshake = await raw.get("/socket.io/", params={"EIO": "4", "transport": "polling"})
        assert '"pingTimeout":60000,"pingInterval":25000,"maxPayload":1000000' in handshake.text
        query = {"EIO": "4", "transport": "polling", "sid": handshake.text.split('"')[3]}
        await raw.post("/socket.io/", params=query, content="40/admin,")
        assert (await raw.get("/socket.io/", params=query)).text.startswith("44/admin,")
        assert (await raw.get("/socket.io/", params={"EIO": "3", "transport": "polling"})).status_code == 400
    await harbour.app.state.live.drain()  # or the poll of the listener that is under way would last a while


async def test_a_silent_node_that_left_no_goodbye_goes_offline(
    harbour: Any, world: Any, clients: Any, make: Any, clock: Any
) -> None:
    alice = await harbour.user(world.users["alice"])
    connected = await harbour.node(world.beta_main)
    long_ago = clock.now() - timedelta(minutes=5)
    make.add(Node(id=world.alpha_main.id, status="online", last_seen=long_ago))

    # A stock server skips all the others once it finds a node that was never seen.
    make.add(Node(id=world.beta_main.id, last_seen=None))
    make.add(Node(id=world.alpha_secure.id, status="online", last_seen=None))
    make.add(Node(id=world.gamma_other.id, status="online", last_seen=clock.now()))

    assert await harbour.app.state.live.retire_silent_nodes() == 2
    assert await harbour.app.state.live.retire_silent_nodes() == 0

    await alice.hears("node-offline", 2)
    assert {gone["id"] for gone in alice.data_of("node-offline")} == {world.alpha_main.id, world.alpha_secure.id}
    assert connected.client.connected
    for node in (world.beta_main, world.gamma_other):
        assert (await _shown(clients, node))["status"] == "online"


async def test_a_held_status_and_a_socket_end_when_the_server_drains(
    harbour: Any, world: Any, clients: Any, until: Any
) -> None:
    alpha = await harbour.node(world.alpha_main)
    task = await clients.task(organizations="alpha")
    token = harbour.token("user", world.users["alice"].id)
    http = httpx.AsyncClient(base_url=harbour.url, headers={"Authorization": f"Bearer {token}"})
    async with http, http.stream("GET", f"/api/task/{task['id']}/status") as held:
        assert held.status_code == 200  # at once, although the body is still to come
        await until(lambda: harbour.app.state.watch.waiting)
        await harbour.app.state.live.drain()
        assert (await held.aread()).strip() == b'{"status":"pending"}'
    await alpha.hears("disconnect")


async def test_what_a_node_says_too_much_of_is_dropped_until_it_has_said_nothing_for_a_while(
    harbour: Any, world: Any, clients: Any, clock: FixedClock, until: Any
) -> None:
    class Counting(Allowance):
        refused = 0

        def take(self, identity_id: int) -> bool:
            is_enough = super().take(identity_id)
            self.refused += not is_enough
            return is_enough

    allowance = Counting(clock, burst=3, per_second=1.0)
    harbour.app.state.live.namespace.allowance = allowance
    alice, alpha = await harbour.user(world.users["alice"]), await harbour.node(world.alpha_main)
    other = await harbour.node(world.alpha_main)
    beta = await harbour.node(world.beta_main)
    task = await clients.task()
    runs = await clients.runs(task["id"])

    async def say(listener: Any, organization: Any, text: str) -> None:
        await listener.tell("algorithm_log", {"run_id": runs[organization.id]["id"], "log": text})

    for number in range(3):
        await say(alpha, world.alpha, f"{number}\n")
    await alice.hears("algorithm_log", 3)
    for listener in (alpha, other):
        await say(listener, world.alpha, "too much\n")
    await say(beta, world.beta, "of another\n")
    await alice.hears("algorithm_log", 4)
    await until(lambda: allowance.refused == 2)
    clock.moment += timedelta(seconds=1)
    await say(alpha, world.alpha, "again\n")
    await alice.hears("algorithm_log", 5)
    assert (await clients.runs(task["id"]))[world.alpha.id]["log"] == "0\n1\n2\nagain\n"
