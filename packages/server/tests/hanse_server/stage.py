"""The objects that the requests of `test_authorization` are about, and the requests."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hanse_core.permissions import RULE_IDS, Operation, Resource, Rule, Scope
from hanse_server.authorization import Route, Whose
from hanse_server.collaborations.models import OrganizationInvitation
from hanse_server.identity.access_token_models import AccessToken
from hanse_server.identity.models import LoginSession, UserInvitation
from hanse_server.sso.models import ExternalIdentity
from hanse_server.sso.service import SingleSignOn
from hanse_server.stores.models import AlgorithmStore, store_collaboration
from hanse_server.tasks.models import Blob, Run
from hanse_server.tasks.values import Place, Values
from hanse_web.blobs.memory import MemoryBlobs

PASSWORD = "Correct-horse-1"
CALLBACK = "https://ui.example/callback"
SEEN = (Resource.ORGANIZATION, Operation.VIEW, Scope.ORGANIZATION)
SEEN_RULE = RULE_IDS[Rule(SEEN[0], SEEN[2], SEEN[1])]
"""A rule that every role holds, to be put into roles and taken out of them."""


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
