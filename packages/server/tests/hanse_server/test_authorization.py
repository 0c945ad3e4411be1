"""The server keeps to the table of who may do what: every route, every default role, whoever the object belongs to."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hanse_core.permissions import RULE_IDS, Operation, Resource, Rule, Scope
from hanse_server.authorization import IDENTITIES, OPEN, ROUTES, Answer, Route, Whose
from hanse_server.collaborations.models import OrganizationInvitation
from hanse_server.identity.access_token_models import AccessToken
from hanse_server.identity.models import LoginSession, UserInvitation
from hanse_server.settings.oidc import OidcProvider
from hanse_server.sso.models import ExternalIdentity
from hanse_server.sso.provider import Proof, Provider
from hanse_server.sso.service import SingleSignOn
from hanse_server.stores.models import AlgorithmStore, store_collaboration
from hanse_server.tasks.models import Blob, Run
from hanse_server.tasks.values import Place, Values
from hanse_web.blobs.memory import MemoryBlobs
from hanse_web.outbound import Outbound
from hanse_web.work import Work, Works

PASSWORD = "Correct-horse-1"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CALLBACK = "https://ui.example/callback"
SEEN = (Resource.ORGANIZATION, Operation.VIEW, Scope.ORGANIZATION)
SEEN_RULE = RULE_IDS[Rule(SEEN[0], SEEN[2], SEEN[1])]
"""A rule that every role holds, to be put into roles and taken out of them."""


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


class Stage:
    """The objects that requests are about, by whose they are for alpha's people."""

    def __init__(self, world: Any, make: Any) -> None:
        self.world = world
        self.make = make
        places = {Whose.OWN: world.alpha, Whose.PARTNER: world.beta, Whose.FOREIGN: world.gamma}
        self.organization = {whose: place.id for whose, place in places.items()}
        self.role = {whose: make.role("local", place, SEEN).id for whose, place in places.items()}
        self.user = {whose: make.user(f"target-{place.name}", place).id for whose, place in places.items()}
        self.collaboration = {Whose.OWN: world.main.id, Whose.FOREIGN: world.other.id}
        self.delta = make.organization("delta")
        afar = make.collaboration("afar", [world.gamma, self.delta])
        self.study = {
            Whose.OWN: world.study.id,
            Whose.PARTNER: make.study("st-beta", world.main, [world.beta]).id,
            Whose.FOREIGN: make.study("st-gamma", afar, [world.gamma]).id,
        }
        self.nodes = {Whose.OWN: world.alpha_main, Whose.PARTNER: world.beta_main, Whose.FOREIGN: world.gamma_other}
        self.node = {whose: node.id for whose, node in self.nodes.items()}
        empty = make.collaboration("empty", [world.alpha, world.beta])
        unmanned = make.collaboration("unmanned", [world.gamma])
        self.empty = {Whose.OWN: empty.id, Whose.PARTNER: empty.id, Whose.FOREIGN: unmanned.id}
        self.loose = {whose: make.node(place, None).id for whose, place in places.items() if whose is not Whose.FOREIGN}
        self.blobstream: dict[Whose, str] = {}
        self.accesstoken: dict[Whose, int] = {}
        self.session: dict[Whose, str] = {}
        self.algorithmstore = {whose: self.store(key) for whose, key in self.collaboration.items()}
        self.link: dict[str, str] = {}
        self.external: dict[Whose, str] = {}
        self.user_invitation: dict[Whose, int] = {}
        self.organization_invitation: dict[Whose, int] = {}
        self.received: dict[Whose, int] = {}
        self.task: dict[Whose, int] = {}
        self.run: dict[Whose, int] = {}

    def invite(self, now: datetime) -> None:
        """Have people and organizations be invited."""
        times = {"created_at": now, "expires_at": now + timedelta(days=1)}
        for whose, key in self.organization.items():
            fields = {"email": "guest@example.org", "roles": [], "rules": [], "token_hash": whose.value}
            made = self.make.add(UserInvitation(organization_id=key, inviter_id=1, **fields, **times))
            self.user_invitation[whose] = made.id
        elsewhere = {Whose.OWN: self.world.other.id, Whose.FOREIGN: self.world.main.id}
        for whose, key in self.collaboration.items():
            more = {"inviter_id": 1, "state": "pending", **times}
            stranger = OrganizationInvitation(collaboration_id=key, organization_name="nowhere", **more)
            self.organization_invitation[whose] = self.make.add(stranger).id
            invited = OrganizationInvitation(
                collaboration_id=elsewhere[whose],
                organization_name=whose.value,
                organization_id=self.organization[whose],
                **more,
            )
            self.received[whose] = self.make.add(invited).id

    def store(self, collaboration_id: int) -> int:
        """Couple an algorithm store to a collaboration."""
        url = f"https://store{collaboration_id}.example/api"
        made = self.make.add(AlgorithmStore(name="st", url=url, is_for_all=False))
        with self.make.engine.begin() as connection:
            row = {"store_id": made.id, "collaboration_id": collaboration_id, "url": url}
            connection.execute(store_collaboration.insert().values(row))
        return int(made.id)

    async def begin(self, clients: Any, engine: Any) -> None:
        """Have tasks run at each of the three, and their nodes online."""
        for whose, user, place in (
            (Whose.OWN, "alice", "alpha"), (Whose.PARTNER, "carl", "beta"), (Whose.FOREIGN, "gary", "gamma"),
        ):  # fmt: skip
            collaboration = self.collaboration[Whose.FOREIGN if whose is Whose.FOREIGN else Whose.OWN]
            task = await clients.task(user, place, collaboration_id=collaboration)
            self.task[whose] = task["id"]
            self.run[whose] = (await clients.runs(task["id"]))[self.organization[whose]]["id"]
            self.make.add(type(self.nodes[whose])(id=self.node[whose], status="online"))

    def log_in(self, identity_id: int, now: datetime) -> str:
        """Give a login session of somebody."""
        times = {"created_at": now, "last_used_at": now, "rotated_at": now, "ends_at": now + timedelta(days=1)}
        row = LoginSession(id=f"s{identity_id}", identity_id=identity_id, method="password", **times)
        return str(self.make.add(row).id) if identity_id else "none"

    async def begin_link(self, sso: SingleSignOn, identity_id: int, now: datetime) -> None:
        """Have somebody begin to prove who it is elsewhere, and somebody known there be everybody's other self."""
        begun = await sso.start("elsewhere", CALLBACK, link_to=identity_id or -1)
        self.link = {"ticket": begun.ticket, "state": begun.state, "code": "c"}
        issuer = "https://elsewhere.example"
        for whose, user_id in {**self.user, Whose.SELF: identity_id or 1}.items():
            subject = f"{whose.value} {identity_id}"
            row = ExternalIdentity(user_id=user_id, issuer=issuer, subject=subject, created_at=now)
            self.external[whose] = f"/user/{user_id}/identity/{self.make.add(row).id}"

    async def store_blobs(self, values: Values, now: datetime) -> None:
        """Have each of the runs have a blob as its input, in a store that answers."""
        store = MemoryBlobs()
        values.stores = {Place.BLOBS: store}
        for whose, run_id in self.run.items():
            key = self.blobstream[whose] = str(uuid.uuid4())
            store.values[key] = b"x"
            row = Blob(key=key, place=Place.BLOBS, run_id=run_id, field="input", size=1, created_at=now, settled_at=now)
            self.make.add(row)

    def make_access_token(self, identity_id: int, now: datetime) -> int:
        """Give somebody a personal access token."""
        times = {"created_at": now, "expires_at": now + timedelta(days=1)}
        row = AccessToken(user_id=identity_id, name="t", token_hash=str(uuid.uuid4()), **times)
        row.owner_version, row.is_read_only, row.rules = 0, True, []
        row.method, row.has_second_factor = "password", False
        return int(self.make.add(row).id) if identity_id else 0

    def end_runs(self, now: datetime) -> None:
        """Have the runs end, because the status of a running task is held."""
        for run_id in self.run.values():
            self.make.add(Run(id=run_id, status="completed", finished_at=now))

    def ids(self, route: Route) -> dict[Whose, Any]:
        """Give the objects that a list or a path is about."""
        kind, *rest = route.path.split("/")[1:]
        kind = f"{rest[0]}_{kind}" if kind == "invitation" else kind
        found: dict[Whose, Any] = getattr(self, "run" if kind == "result" else kind)
        return found


Request = dict[str, Any]
Maker = Callable[[Stage, Whose], Request]
BODIES: dict[str, Maker] = {
    "POST /organization": lambda stage, whose: {"json": {"name": "epsilon"}},
    "PATCH /organization/{key}": lambda stage, whose: {"json": {"country": "NL"}},
    "DELETE /organization/{key}": lambda stage, whose: {"params": {"delete_dependents": "true"}},
    "POST /user": lambda stage, whose: {
        "json": {
            "username": "newcomer", "password": PASSWORD, "email": "new@example.org",
            "organization_id": stage.organization[whose],
        }
    },
    "PATCH /user/{key}": lambda stage, whose: {"json": {"firstname": "X"}},
    "DELETE /user/{key}": lambda stage, whose: {"params": {"delete_dependents": "true"}},
    "POST /role": lambda stage, whose: {
        "json": {"name": "new", "rules": [], "organization_id": stage.organization[whose]}
    },
    "PATCH /role/{key}": lambda stage, whose: {"json": {"description": "x"}},
    "POST /collaboration": lambda stage, whose: {
        "json": {"name": "new", "encrypted": False, "organization_ids": [stage.world.alpha.id]}
    },
    "PATCH /collaboration/{collaboration_id}": lambda stage, whose: {"json": {"name": "renamed"}},
    "DELETE /collaboration/{collaboration_id}": lambda stage, whose: {"params": {"delete_dependents": "true"}},
    "POST /collaboration/{collaboration_id}/organization": lambda stage, whose: {"json": {"id": 1}},
    "DELETE /collaboration/{collaboration_id}/organization": lambda stage, whose: {
        "json": {"id": stage.organization[Whose.PARTNER if whose is Whose.OWN else Whose.FOREIGN]}
    },
    "POST /collaboration/{collaboration_id}/node": lambda stage, whose: {
        "path": f"/collaboration/{stage.empty[whose]}/node", "json": {"id": stage.loose[whose]},
    },
    "DELETE /collaboration/{collaboration_id}/node": lambda stage, whose: {"json": {"id": stage.node[whose]}},
    "POST /study": lambda stage, whose: {
        "json": {
            "name": "new", "collaboration_id": stage.collaboration[whose],
            "organization_ids": [stage.organization[whose]],
        }
    },
    "PATCH /study/{study_id}": lambda stage, whose: {"json": {"name": "renamed"}},
    "POST /study/{study_id}/organization": lambda stage, whose: {
        "json": {
            "id": {Whose.OWN: stage.world.beta, Whose.PARTNER: stage.world.alpha, Whose.FOREIGN: stage.delta}[whose].id
        }
    },
    "DELETE /study/{study_id}/organization": lambda stage, whose: {"json": {"id": stage.organization[whose]}},
    "POST /recover/node": lambda stage, whose: {"json": {"id": stage.node[whose]}},
    "POST /node": lambda stage, whose: {
        "json": {"collaboration_id": stage.empty[whose], "organization_id": stage.organization[whose], "name": "new"}
    },
    "PATCH /node/{node_id}": lambda stage, whose: {"json": {"name": "renamed"}},
    "POST /task": lambda stage, whose: {
        "json": {
            "collaboration_id": stage.collaboration[whose], "image": "registry.example/algo:1",
            "organizations": [{"id": stage.organization[whose], "input": "e30="}],
        }
    },
    "POST /kill/task": lambda stage, whose: {"json": {"id": stage.task[whose]}},
    "POST /kill/node/tasks": lambda stage, whose: {"json": {"id": stage.node[whose]}},
    "PATCH /run/{run_id}": lambda stage, whose: {"json": {"status": "active"}},
    "POST /token/container": lambda stage, whose: {
        "json": {"task_id": stage.task[whose], "image": "registry.example/algo:1"}
    },
    "POST /port": lambda stage, whose: {"json": {"run_id": stage.run[whose], "port": 8888}},
    "DELETE /port": lambda stage, whose: {"params": {"run_id": stage.run[whose]}},
    "POST /column": lambda stage, whose: {
        "json": {
            "collaboration_id": stage.collaboration[whose], "db_label": "default",
            "organizations": [{"id": stage.organization[whose], "input": "e30="}],
        }
    },
    "POST /algorithmstore": lambda stage, whose: {
        "json": {
            "name": "new", "algorithm_store_url": "https://new.example/api", "server_url": "https://me.example/api",
            "collaboration_id": stage.collaboration[whose],
        }
    },
    "PATCH /algorithmstore/{key}": lambda stage, whose: {"json": {"name": "renamed"}},
    "DELETE /algorithmstore/{key}": lambda stage, whose: {"params": {"server_url": "https://me.example/api"}},
    "POST /vpn/update": lambda stage, whose: {"json": {"vpn_config": "x"}},
    "PATCH /password/change": lambda stage, whose: {
        "json": {"current_password": PASSWORD, "new_password": PASSWORD + "2"}
    },
    "POST /blobstream": lambda stage, whose: {"content": b"x"},
    "POST /accesstoken": lambda stage, whose: {"json": {"name": "mine", "read_only": True}},
    "POST /token/revoke": lambda stage, whose: {"json": {"all": True}},
    "POST /second_factor": lambda stage, whose: {"json": {"password": PASSWORD}},
    "POST /second_factor/confirm": lambda stage, whose: {"json": {"mfa_code": "123456"}},
    "POST /second_factor/recovery_codes": lambda stage, whose: {"json": {"password": PASSWORD, "mfa_code": "123456"}},
    "DELETE /second_factor": lambda stage, whose: {"json": {"password": PASSWORD, "mfa_code": "123456"}},
    "DELETE /user/{key}/second_factor": lambda stage, whose: {},
    "POST /invitation/user": lambda stage, whose: {
        "json": {"email": "new@example.org", "organization_id": stage.organization[whose]}
    },
    "POST /invitation/organization": lambda stage, whose: {
        "json": {"collaboration_id": stage.collaboration[whose], "organization_name": "epsilon"}
    },
    "POST /invitation/organization/{key}/accept": lambda stage, whose: {
        "path": f"/invitation/organization/{stage.received[whose]}/accept"
    },
    "POST /invitation/organization/{key}/decline": lambda stage, whose: {
        "path": f"/invitation/organization/{stage.received[whose]}/decline"
    },
    "POST /oidc/{name}/link": lambda stage, whose: {
        "path": "/oidc/elsewhere/link", "json": {"redirect_uri": CALLBACK, "current_password": PASSWORD}
    },
    "POST /oidc/{name}/link/finish": lambda stage, whose: {
        "path": "/oidc/elsewhere/link/finish", "json": stage.link
    },
    "POST /user/{key}/identity": lambda stage, whose: {"json": {"provider": "elsewhere", "subject": "x"}},
    "DELETE /user/{key}/identity/{identity_key}": lambda stage, whose: {"path": stage.external[whose]},
    "GET /rule/{key}": lambda stage, whose: {"path": "/rule/1"},
}  # fmt: skip
BODIES_OF_NODES: dict[str, Maker] = {
    "PATCH /organization/{key}": lambda stage, whose: {"json": {"public_key": "a2V5"}},  # nothing else is theirs
}


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


def _documented(app: Any) -> Iterator[str]:
    for path, methods in app.openapi()["paths"].items():
        yield from (f"{method.upper()} {path.removeprefix('/api')}" for method in methods)


async def test_every_route_is_in_the_table(server: Any) -> None:
    routes = set(_documented(server.app))
    named = {route.name for route in ROUTES} | OPEN
    assert routes - named == set(), "add these to hanse_server.authorization"
    assert named - routes == set(), "these do not exist any more"
