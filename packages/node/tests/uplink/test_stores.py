"""How the node asks an algorithm store, and that neither a store nor a server can lead it elsewhere or hold it up."""

from typing import Any

import pytest

from hanse_core.errors import Unavailable
from hanse_node.errors import Unreachable
from hanse_node.policy.stores import answer, is_allowed, reachable
from hanse_node.uplink import stores
from hanse_node.uplink.stores import Stores
from hanse_node.uplink.transport import Response

DIGEST, OTHER = "sha256:" + 64 * "a", "sha256:" + 64 * "b"


class Session:
    async def bearer(self) -> str:
        return "token"


class Store:
    """Answers with what it is given, one after the other, the last for ever."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    async def request(self, method: str, url: str, **more: Any) -> Response:
        self.asked.append({"method": method, "url": url, **more})
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


def listing(store: Store, api_url: str = "https://server.example/api") -> Stores:
    return Stores(store, Session(), api_url)  # type: ignore[arg-type]


async def test_a_store_is_asked_as_a_v4_node_asks() -> None:
    store = Store(Response(200, {}, b'{"data": [{"image": "a"}, 5]}'))
    assert await listing(store).algorithms("https://store.example/api/", "hanse/x@sha256:1") == [{"image": "a"}]
    (asked,) = store.asked
    assert (asked["method"], asked["url"]) == ("GET", "https://store.example/api/algorithm")
    assert asked["query"] == {"image": "hanse/x@sha256:1"}
    assert asked["headers"] == {
        "Authorization": "Bearer token", "Server-Url": "https://server.example/api", "Client-Type": "node",
    }  # fmt: skip
    assert asked["most"] == stores.LONGEST_ANSWER


async def test_a_store_that_is_away_is_asked_three_times_and_then_confirms_nothing() -> None:
    store = Store(Unreachable("gone", sent=False), Response(503, {}, b""), Unreachable("still gone", sent=False))
    with pytest.raises(Unavailable, match="still gone"):
        await listing(store).algorithms("https://s", "x")
    assert len(store.asked) == stores.ATTEMPTS


async def test_a_store_that_answers_never_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    class Silent(Store):
        async def request(self, method: str, url: str, **more: Any) -> Response:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(stores, "SECONDS", 0.01)
    with pytest.raises(Unavailable, match="did not answer"):
        await listing(Silent()).algorithms("https://s", "x")


@pytest.mark.parametrize(
    "response",
    [
        Response(403, {}, b'{"msg": "secret words"}'), Response(200, {}, b"[]"), Response(302, {}, b""),
        Response(200, {}, b"x"),
    ],
)  # fmt: skip
async def test_what_is_no_list_confirms_nothing_and_its_words_are_not_passed_on(response: Response) -> None:
    with pytest.raises(Unavailable) as caught:
        await listing(Store(response)).algorithms("https://s", "x")
    assert "secret words" not in caught.value.message


async def test_an_image_that_the_store_does_not_know_is_not_listed() -> None:
    assert await listing(Store(Response(400, {}, b'{"msg": "another digest"}'))).algorithms("https://s", "x") == []


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("https://store.example", "https://store.example/", True),
        ("https://store.example", "https://store.example.evil", False),
        ("^https://.*\\.example$", "https://store.example", True),
        ("(", "(", False),
    ],
)
def test_only_the_owners_stores_count(entry: str, url: str, allowed: bool) -> None:
    assert is_allowed(url, [entry]) is allowed


@pytest.mark.parametrize(
    ("store", "server", "found"),
    [
        ("http://localhost:7602/api", "https://hub.example", "https://hub.example:7602/api"),
        ("http://localhost:7602/api", "http://localhost:7601", "http://localhost:7602/api"),
        ("https://store.example", "https://hub.example", "https://store.example"),
    ],
)
def test_a_store_on_the_servers_machine_is_looked_for_there(store: str, server: str, found: str) -> None:
    assert reachable(store, server) == found


@pytest.mark.parametrize(
    ("image", "listed", "confirmed"),
    [
        (f"hanse/x@{DIGEST}", {"image": "hanse/x", "digest": DIGEST}, True),
        (f"hanse/x@{DIGEST}", {"image": "hanse/x:2", "digest": DIGEST}, True),
        (f"hanse/x@{DIGEST}", {"image": "hanse/x", "digest": OTHER}, False),
        (f"hanse/x@{DIGEST}", {"image": "hanse/y", "digest": DIGEST}, False),
        (f"hanse/x@{DIGEST}", {"image": "hanse/x", "digest": DIGEST, "status": "under review"}, False),
        ("hanse/x:latest", {"image": "hanse/x", "digest": DIGEST}, True),
        ("hanse/x:2", {"image": "hanse/x", "digest": DIGEST}, False),
        ("docker.io/hanse/x", {"image": "hanse/x"}, True),
        ("hanse/x", {"image": None}, False),
    ],
)
def test_a_store_confirms_this_very_image_only(image: str, listed: dict[str, Any], confirmed: bool) -> None:
    assert answer("https://s", image, [listed]).confirmed is confirmed
