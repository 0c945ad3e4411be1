"""Stores as an operator couples them."""

from typing import Any

import pytest

from hanse_core.command import main
from hanse_core.errors import Conflict, Denied, Invalid, NotFound
from hanse_server.store_administration import StoreAdministration

STORE = "https://store.example/api"


@pytest.fixture
def administration(settings: Any, outbound: Any, clock: Any, world: Any) -> StoreAdministration:
    return StoreAdministration(settings, outbound=outbound, clock=clock)


async def add(
    administration: StoreAdministration, url: str = STORE, *collaborations: int, registers: bool = True, **given: Any
) -> Any:
    return await administration.add(
        url, given.get("name"), collaborations, given.get("server_url"), registers=registers
    )


async def test_a_store_is_found_registered_and_noted(
    administration: StoreAdministration, store: Any, clients: Any, world: Any
) -> None:
    number, url = await add(administration, "https://store.example/", world.main.id, world.secure.id)

    assert url == STORE
    assert [row["url"] for row in store.servers] == ["https://hanse.example/api"]
    (line,) = await administration.list()
    assert (line.id, line.name, line.url) == (number, "store.example", STORE)
    assert line.collaborations == f"{world.main.id}, {world.secure.id}"
    assert (await clients.user("alice").get(f"/algorithmstore/{number}")).status_code == 200


async def test_the_community_has_a_name(administration: StoreAdministration) -> None:
    await add(administration, "community")

    (line,) = await administration.list()
    assert (line.name, line.url) == ("community", "https://store.cotopaxi.vantage6.ai/api")
    assert line.collaborations == "all"
    assert "is deleted" in await administration.remove("community", None)


async def test_a_store_that_anybody_may_read_need_not_be_asked(administration: StoreAdministration, store: Any) -> None:
    store.allows = False

    await add(administration, registers=False)

    assert store.calls == [("GET", "/api/version")]


async def test_what_cannot_be_is_refused_with_the_reason(
    administration: StoreAdministration, settings: Any, outbound: Any, world: Any
) -> None:
    with pytest.raises(Invalid, match="nor at"):
        await add(administration, "https://store.example/other")
    with pytest.raises(Invalid, match="not a public address"):
        await add(administration, "http://127.0.0.1/api")
    with pytest.raises(Invalid, match="name"):
        await add(administration, name="123")
    with pytest.raises(NotFound, match="9999"):
        await add(administration, STORE, 9999)
    with pytest.raises(NotFound, match="--as"):
        await add(StoreAdministration(settings, "nobody", outbound))
    with pytest.raises(Denied):
        await add(StoreAdministration(settings, "alice", outbound))
    with pytest.raises(NotFound, match="does not exist"):
        StoreAdministration(settings.model_copy(update={"uri": "sqlite:///nowhere/x.sqlite"}))


async def test_a_store_is_removed_by_id_or_address(administration: StoreAdministration, store: Any, world: Any) -> None:
    first, _ = await add(administration, STORE, world.main.id)
    second, _ = await add(administration, STORE, world.secure.id)

    with pytest.raises(Conflict, match=f"{first}, {second}"):
        await administration.remove(STORE, None)
    await administration.remove(str(first), None)
    await administration.remove("https://store.example", None)

    assert await administration.list() == []
    assert store.servers == []
    with pytest.raises(NotFound):
        await administration.remove(STORE, None)


def test_the_commands_say_what_is_there_and_what_is_not(
    settings: Any, make: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANSE_SERVER_JWT_SECRET_KEY", settings.jwt_secret_text())
    where = ["--database", settings.uri]

    assert main(["server", "store", "list", *where]) == 0
    assert capsys.readouterr().out.split() == ["ID", "NAME", "ADDRESS", "COLLABORATIONS"]
    assert main(["server", "store", "remove", "7", *where]) != 0
    assert "store list" in capsys.readouterr().err
    assert main(["server", "store", "add", "http://127.0.0.1:1", *where]) != 0
    assert "allowed_hosts" in capsys.readouterr().err
