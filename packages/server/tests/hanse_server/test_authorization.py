"""The server keeps to the table of who may do what: every route, every default role, whoever the object belongs to."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from hanse_server.authorization import IDENTITIES, OPEN, ROUTES, Answer, Route, Whose
from hanse_server.settings.oidc import OidcProvider
from hanse_server.sso.provider import Proof, Provider
from hanse_web.outbound import Outbound
from hanse_web.work import Work, Works

from .stage import BODIES, BODIES_OF_NODES, CALLBACK, SEEN_RULE, Stage

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Rehearsal(Works):
    """Carries everything out and takes it back, so that one world serves all requests of a test."""

    @classmethod
    def of(cls, works: Works) -> "Rehearsal":
        rehearsal = object.__new__(cls)
        rehearsal.__dict__ = works.__dict__
        return rehearsal

    def _commit(self, work: Work) -> None:
        work.session.flush()
        work.session.rollback()
        work.has_told = False
        work.callbacks.clear()


class Elsewhere(Provider):
    """A provider that needs nobody's password: it says that everybody is one and the same."""

    def __init__(self) -> None:
        known = {"name": "elsewhere", "issuer": "https://elsewhere.example", "client_id": "x", "client_secret": "x"}
        self.settings = OidcProvider.model_validate({**known, "redirect_uris": (CALLBACK,)})

    async def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        return self.settings.issuer

    async def require_sender(self, issuer: str | None) -> None:
        """Be anybody."""

    async def exchange(self, code: str, redirect_uri: str, verifier: str, nonce: str) -> Proof:
        return Proof(self.settings.issuer, "somebody", frozenset(), {}, False, None)


class WillingStore(httpx.AsyncBaseTransport):
    """An algorithm store that accepts every server."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_list = request.method == "GET"
        return httpx.Response(200 if is_list else 201, stream=httpx.ByteStream(b"[]" if is_list else b"{}"))


@pytest.fixture
def outbound() -> Outbound:
    async def look_up(host: str, port: int) -> list[str]:
        return ["8.8.8.8"]

    return Outbound(resolver=look_up, transport=WillingStore())


@pytest.fixture
async def stage(world: Any, make: Any, clients: Any, engine: Any) -> Stage:
    stage = Stage(world, make)
    await stage.begin(clients, engine)
    stage.invite(NOW)
    return stage


@pytest.fixture
def enter(server: Any, clients: Any, stage: Stage, as_user: Any) -> Callable[[str], Any]:
    """Give the client of an identity, and its own id."""

    async def enter(identity: str) -> tuple[httpx.AsyncClient, int]:
        if identity == "node":
            return clients.node("alpha_main"), stage.node[Whose.OWN]
        if identity == "container":
            return await clients.container("alpha_main", stage.task[Whose.OWN]), 0
        roles = () if identity == "no role" else (identity,)
        user = stage.make.user("actor-" + identity.replace(" ", "-"), stage.world.alpha, roles=roles)
        return as_user(user.username), user.id

    return enter


def _path(route: Route, stage: Stage, whose: Whose, own_id: int) -> str:
    if "{" not in route.path:
        return route.path
    key = own_id if whose is Whose.SELF else stage.ids(route)[whose]
    head, _, rest = route.path.partition("{")
    return head + str(key) + rest.partition("}")[2].replace("{rule_id}", str(SEEN_RULE))


def _answer_of(response: httpx.Response) -> Answer:
    if response.is_success:
        return Answer.DONE
    code = response.json()["code"]
    answers = {
        (401, "denied"): Answer.DENIED,
        (404, "not-found"): Answer.HIDDEN,
        (400, "invalid"): Answer.INVALID,
        (409, "conflict"): Answer.DONE,  # allowed; only that there is nothing to do it to
        (403, "wrong-identity"): Answer.NOT_FOR,
        (501, "unsupported"): Answer.DONE,  # allowed; only that this server has no VPN
    }
    assert (response.status_code, code) in answers, response.text
    return answers[response.status_code, code]


async def _ask(
    client: httpx.AsyncClient, route: Route, stage: Stage, whose: Whose, own_id: int, *, is_node: bool
) -> tuple[Answer, str]:
    if route.is_list:
        listed = await client.get(route.path, params={"per_page": 1000})
        answer = _answer_of(listed)
        if answer is Answer.DONE and stage.ids(route)[whose] not in {item["id"] for item in listed.json()["data"]}:
            answer = Answer.HIDDEN
        return answer, listed.text[:300]
    bodies = {**BODIES, **BODIES_OF_NODES} if is_node else BODIES
    request = bodies[route.name](stage, whose) if route.name in bodies else {}
    request.setdefault("path", route.path if "path" in request else _path(route, stage, whose, own_id))
    response = await client.request(route.method, request.pop("path"), **request)
    return _answer_of(response), response.text[:300]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_every_role_may_do_what_the_table_says_and_nothing_else(
    route: Route, server: Any, stage: Stage, enter: Any
) -> None:
    entered = {identity: await enter(identity) for identity in IDENTITIES}
    if route.path == "/task/{task_id}/status":
        stage.end_runs(server.app.state.clock.now())
    if "blobstream" in route.path:
        await stage.store_blobs(server.app.state.values, server.app.state.clock.now())
    server.app.state.works = Rehearsal.of(server.app.state.works)
    server.app.state.sso.providers["elsewhere"] = Elsewhere()
    wrong = []
    for identity, (client, own_id) in entered.items():
        stage.accesstoken[Whose.OWN] = stage.make_access_token(own_id, server.app.state.clock.now())
        stage.session[Whose.OWN] = stage.log_in(own_id, server.app.state.clock.now())
        if "oidc" in route.path or "identity" in route.path:
            await stage.begin_link(server.app.state.sso, own_id, server.app.state.clock.now())
        for whose in route.whose:
            found, text = await _ask(client, route, stage, whose, own_id, is_node=identity == "node")
            if found is not route.answer(identity, whose):
                expected = route.answer(identity, whose).name
                wrong.append(f"{identity}, {whose.value}: {found.name}, not {expected}: {text}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", sorted(OPEN - {"POST /token/refresh"}))  # it takes another kind of token
async def test_an_open_route_asks_nobody_who_he_is(
    name: str, server: Any, anonymous: httpx.AsyncClient, enter: Any
) -> None:
    """Whether somebody is logged in, and as what, makes no difference: there is the answer that strangers get."""
    method, path = name.split()
    path = path.replace("{name}", "elsewhere")
    server.app.state.sso.providers["elsewhere"] = Elsewhere()
    entered = [(await enter(identity))[0] for identity in IDENTITIES]
    server.app.state.works = Rehearsal.of(server.app.state.works)
    answers = [await client.request(method, path, json={}) for client in (anonymous, *entered)]
    assert {answer.json().get("code") for answer in answers} & {"denied", "wrong-identity"} == set()
    assert len({answer.status_code for answer in answers}) == 1


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_every_other_route_wants_to_know(route: Route, anonymous: httpx.AsyncClient) -> None:
    path = re.sub(r"\{.*?\}", "1", route.path)
    answer = await anonymous.request(route.method, path, json={})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def _documented(app: Any) -> Iterator[str]:
    for path, methods in app.openapi()["paths"].items():
        yield from (f"{method.upper()} {path.removeprefix('/api')}" for method in methods)


async def test_every_route_is_in_the_table(server: Any) -> None:
    routes = set(_documented(server.app))
    named = {route.name for route in ROUTES} | OPEN
    assert routes - named == set(), "add these to hanse_server.authorization"
    assert named - routes == set(), "these do not exist any more"
