"""Who gets a way out: what policy and the selected databases say, from the start of a run to its end."""

from typing import Any

from hanse_core.states import RunStatus
from hanse_node.runtimes.memory import never_ends

WAY = {"way": {"domains": "terminology.example"}}


def policies(*egress: str) -> dict[str, Any]:
    return {"allowed_algorithms": ["^hanse/.*"], "per_image": [{"images": "hanse/summary", "egress": list(egress)}]}


async def run(bench: Any, payload: str, **settings: Any) -> tuple[Any, list[str]]:
    """Let one run go by; give it, and the sockets that lay beside its proxy meanwhile."""
    found: list[str] = []

    async def looks(environment: Any, files: Any) -> None:
        found.extend(sorted(path.name for path in files.proxy_socket.parent.iterdir()))

    bench.algorithms["hanse/summary"] = looks
    told = bench.uplink.create(1, payload=payload)
    async with bench.node(**settings) as station:
        await bench.uplink.all_finished()
        await bench.until(lambda: not station.workspace.strays(()))
    return told, found


async def test_an_image_gets_what_policy_names(bench: Any, payload: str) -> None:
    ended, found = await run(bench, payload, egress=WAY, policies=policies("way"))
    assert (ended.status, found) == (RunStatus.COMPLETED, ["egress", "s"])


async def test_others_get_nothing(bench: Any, payload: str) -> None:
    assert (await run(bench, payload, egress=WAY, policies=policies()))[1] == ["s"]


async def test_a_database_gives_its_ways_to_who_selects_it(bench: Any, payload: str) -> None:
    databases = [{"label": "default", "uri": str(bench.directory / "d.csv"), "type": "csv", "egress": ["way"]}]
    assert (await run(bench, payload, egress=WAY, databases=databases))[1] == ["egress", "s"]


async def test_a_database_elsewhere_has_a_door_for_who_selects_it(bench: Any, payload: str) -> None:
    given = [
        {"label": label, "uri": f"postgresql://{label}.example/d", "type": "sql"} for label in ("default", "other")
    ]
    _, found = await run(bench, payload, databases=given)
    assert len(found) == 2
    assert found[1] == "s"


async def test_the_list_of_a_stock_file_is_for_all_only_under_the_defaults_of_v4(bench: Any, payload: str) -> None:
    stock = {"whitelist": {"domains": ["x.example"], "ips": ["192.0.2.1"], "ports": ["443", 80]}}
    assert (await run(bench, payload, **stock, policies=policies()))[1] == ["s"]


async def test_and_under_them_it_is(bench: Any, payload: str) -> None:
    stock = {"whitelist": {"domains": ["x.example"]}, "policies": None, "accept_v4_defaults": True}
    assert (await run(bench, payload, **stock))[1] == ["egress", "s"]


async def test_a_way_that_does_not_exist_is_named_to_who_asked(bench: Any, payload: str) -> None:
    ended, _ = await run(bench, payload, policies=policies("nowhere"))
    assert ended.status is RunStatus.START_FAILED
    assert "a way out that this station's settings do not define: nowhere" in ended.log


async def test_a_service_that_this_runtime_cannot_reach_is_named_to_who_asked(bench: Any, payload: str) -> None:
    services = {"docker_services": {"terms": "clinic-terms"}}
    ended, _ = await run(bench, payload, **services, policies=policies("terms"))
    assert ended.status is RunStatus.START_FAILED
    assert "the service terms is a container, which only the docker runtime can reach" in ended.log


async def test_after_a_restart_of_the_node_a_run_that_goes_on_has_them_again(bench: Any, payload: str) -> None:
    bench.algorithms["hanse/summary"] = never_ends
    told, socket = bench.uplink.create(1, payload=payload), bench.directory / "sockets" / "1" / "egress"
    given = {"egress": WAY, "policies": policies("way")}
    async with bench.node(**given):
        await bench.until(lambda: told.status is RunStatus.ACTIVE)
        assert socket.exists()
    assert not socket.exists()
    async with bench.node(**given):
        await bench.until(socket.exists)
        bench.uplink.kill(1)
        await bench.until(lambda: not socket.exists())
