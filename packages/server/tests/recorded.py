"""What stock servers answered, and how ours compares."""

import json
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from .databases import ROOT_PASSWORD
from .factory import PASSWORD

RECORDINGS = Path(__file__).parent / "recordings"


COMPARED = pytest.StashKey[set[tuple[str, int]]]()
"""The exchanges that a running test has compared."""


class Exchange(dict[str, Any]):
    """A recorded request and its answer; whoever looks at the answer compares it."""

    def __init__(self, content: dict[str, Any], compared: Callable[[], None]) -> None:
        super().__init__(content)
        self._compared = compared

    def __getitem__(self, name: str) -> Any:
        if name == "response":
            self._compared()
        return super().__getitem__(name)


def each(beginning: str, *indexes: int) -> pytest.MarkDecorator:
    """Run a test once for each of these exchanges of a recording, or for all; it finds their `index`."""
    chosen = indexes or range(len(read(beginning)["exchanges"]))
    values = [pytest.param(index, marks=pytest.mark.replays(beginning, index)) for index in chosen]
    return pytest.mark.parametrize("index", values)


def replayed(item: pytest.Item) -> set[tuple[str, int]]:
    """Give what the marks `replays` of a test promise to compare: the named exchanges, or all of a recording."""
    return {
        (mark.args[0], index)
        for mark in item.iter_markers("replays")
        for index in mark.args[1:] or range(len(read(mark.args[0])["exchanges"]))
    }


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Hold a test to its marks, from which `test_all_recordings` knows that no exchange is forgotten."""
    item.stash.setdefault(COMPARED, set())
    outcome = yield
    compared, promised = item.stash[COMPARED], replayed(item)
    assert compared == promised, f"marked, not compared: {promised - compared}; not marked: {compared - promised}"
    return outcome


def read(beginning: str) -> dict[str, Any]:
    """Read a recording of a stock server by the beginning of its name."""
    (path,) = RECORDINGS.glob(f"{beginning}-*.json")
    data: dict[str, Any] = json.loads(path.read_text())
    return data


OURS = frozenset({"code", "errors", "two_factor_required"})
"""Keys that any of our answers may have beyond the recorded ones."""
UNTOLD = {"otp_secret", "last_seen"}
"""Keys that are null here where the stock server tells: the secret of a second factor always (quirk 1), when somebody
was there last until it is written, which is not at every request (quirk 47)."""
TEXTS = {"domain", "address1", "address2", "zipcode", "country", "firstname", "lastname"}
"""What the stock server holds null of its first organization and user is an empty text here."""
OMITTED = "_data_items_omitted_here"
"""How many more rows a list had, which were not kept."""


@pytest.fixture
def recording_data() -> Callable[[str], dict[str, Any]]:
    """Load a whole recording of a stock server by the beginning of its name, for those that hold no exchanges."""
    return read


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> Callable[[str], list[dict[str, Any]]]:
    """Load the exchanges of a recording: `recording("07")`; the test is marked with those it compares."""

    def load(beginning: str) -> list[dict[str, Any]]:
        compared = request.node.stash.setdefault(COMPARED, set())
        return [
            Exchange(content, partial(compared.add, (beginning, index)))
            for index, content in enumerate(read(beginning)["exchanges"])
        ]

    return load


@pytest.fixture
def answers_like() -> Callable[..., None]:
    """Compare an answer with a recorded one: status, key sets, types, what is null, how long lists are; not values.

    `more` names keys that are ours, beyond the protocol.
    """

    def compare(answer: httpx.Response, recorded: dict[str, Any], *, more: frozenset[str] = frozenset()) -> None:
        assert answer.status_code == recorded["response"]["status"], answer.text
        for name in ("jwt-token", "total-count", "Link", "access-control-expose-headers"):
            assert (name in answer.headers) == (name in recorded["response"]["headers"]), name
        body = recorded["response"]["body"]
        if isinstance(body, dict | list):
            found = list(_differences(answer.json(), body, more | OURS, "body"))
            assert not found, "\n".join(found)

    return compare


ADVERTISED = {"results": ["GET"], "run": ["GET", "PATCH"]}
"""The methods that these links truly have; the stock server advertises others (quirk 41)."""


def mended(exchange: dict[str, Any], status: int | None = None) -> dict[str, Any]:
    """Give the exchange with what is deliberately answered otherwise."""
    body = exchange["response"]["body"]
    for item in [body, *(body.get("data", []) if isinstance(body, dict) else [])]:
        _correct_methods(item)
    response = exchange["response"] if status is None else {**exchange["response"], "status": status}
    return {**exchange, "response": response}


def _correct_methods(item: Any) -> None:
    for name, methods in ADVERTISED.items():
        if isinstance(item, dict) and isinstance(item.get(name), dict):
            item[name]["methods"] = methods
    for run in item.get("runs", []) if isinstance(item, dict) else []:
        _correct_methods(run)


async def refreshed(server: Any, username: str) -> httpx.Response:
    """Log in with the password, and ask for new tokens with the refresh token."""
    login = {"username": username, "password": ROOT_PASSWORD if username == "root" else PASSWORD}
    tokens = (await server.client().post("/token/user", json=login)).json()
    answer: httpx.Response = await server.client(tokens["refresh_token"]).post("/token/refresh")
    return answer


def deviates(answer: httpx.Response, exchange: dict[str, Any], status: int) -> None:
    """Compare an answer that deliberately has another status than the recorded one; say why beside the call."""
    assert answer.status_code == status != exchange["response"]["status"], answer.text


def _differences(ours: Any, theirs: Any, more: frozenset[str], where: str) -> Iterator[str]:
    """Tell what is unlike: keys, types, what is null or empty, and how long lists are."""
    if where.rpartition(".")[2] in TEXTS:
        ours, theirs = ours or "", theirs or ""
    if type(ours) is not type(theirs):
        yield f"{where}: {ours!r} instead of {theirs!r}"
    elif isinstance(ours, dict):
        yield from _of_items(ours, theirs, more, where)
    elif isinstance(ours, list) and where.endswith(".methods"):
        if set(ours) != set(theirs):  # the stock server has no order for them (quirk 41)
            yield f"{where}: {ours} instead of {theirs}"
    elif isinstance(ours, list):
        yield from _of_lists(ours, theirs, more, where)


def _of_items(ours: dict[str, Any], theirs: dict[str, Any], more: frozenset[str], where: str) -> Iterator[str]:
    if not theirs.keys() - {OMITTED} <= ours.keys() <= theirs.keys() | more:
        yield f"{where}: keys {sorted(ours)} instead of {sorted(theirs)}"
    if rest := theirs.get(OMITTED):
        theirs = {**theirs, "data": [*theirs["data"], *[...] * rest]}
    for name in ours.keys() & theirs.keys() - {key for key in UNTOLD if ours.get(key) is None}:
        yield from _differences(ours[name], theirs[name], more, f"{where}.{name}")


def _of_lists(ours: list[Any], theirs: list[Any], more: frozenset[str], where: str) -> Iterator[str]:
    if len(ours) != len(theirs):
        yield f"{where}: {len(ours)} instead of {len(theirs)}"
    for mine, other in zip(ours, theirs, strict=False):
        if other is not ...:
            yield from _differences(mine, other, more, f"{where}[]")
