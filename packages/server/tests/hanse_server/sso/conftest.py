"""Two real OpenID Connect providers, a browser that fills in their forms, and settings that name them."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_server.accounts.models import Organization, User
from hanse_server.settings import Settings
from hanse_server.settings.oidc import OidcProvider
from hanse_web.clock import FixedClock

CALLBACK = "https://ui.example/callback"
SECRET = "secret-of-hanse"


@dataclass
class Person:
    """Somebody whom a provider knows."""

    password: str
    claims: dict[str, Any]


@dataclass
class Realm:
    """One running provider, seen by those who administer it."""

    issuer: str
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, name: str, *groups: str, **claims: Any) -> None:
        """Add somebody, or change what is known of somebody; the password is the name twice."""
        claims = {"name": name.title(), "preferred_username": name, "groups": list(groups), **claims}
        self.people[name] = Person(name * 2, claims)
        self._tell()

    def dismiss(self, name: str) -> None:
        """Close an account."""
        del self.people[name]
        self._tell()

    def mood(self, status: int | None) -> None:
        """Answer everything with an error from now on, or be well again."""
        self._put("mood", {"status": status} if status else {})

    def change_keys(self) -> None:
        """Sign with a new key, and publish only that."""
        self._put("keys", {})

    def reset(self) -> None:
        self.people.clear()
        self._tell()
        self.mood(None)

    def _tell(self) -> None:
        self._put("users", {name: {"password": p.password, "claims": p.claims} for name, p in self.people.items()})

    def _put(self, what: str, body: Any) -> None:
        httpx.put(f"{self.issuer}/test/{what}", json=body).raise_for_status()


class Browser:
    """Follows redirects and fills in forms, as somebody does who logs in."""

    def __init__(self, name: str, password: str | None = None) -> None:
        self._fields = {"user": name, "password": password or name * 2}

    def visit(self, address: str, until: str = CALLBACK, **fields: str) -> httpx.URL | str:
        """Go on until an address that begins with `until` is reached, and give it; else the last page."""
        with httpx.Client(follow_redirects=False) as http:
            answer = http.get(address)
            for _ in range(20):
                if answer.is_redirect:
                    target = urljoin(str(answer.url), answer.headers["location"])
                    if target.startswith(until):
                        return httpx.URL(target)
                    answer = http.get(target)
                elif (form := self._form(answer, fields)) is not None:
                    answer = http.post(form[0], data=form[1])
                else:
                    return answer.text
        raise AssertionError("the browser is led in circles")

    def _form(self, answer: httpx.Response, fields: dict[str, str]) -> tuple[str, dict[str, str]] | None:
        found = re.search(r"<form[^>]*action=\\?[\"']([^\"']*)[\"'].*?</form>", answer.text, re.DOTALL)
        if found is None or answer.status_code != 200:
            return None
        data = {}
        for tag in re.findall(r"<input[^>]*>", found[0]):
            attributes = {key: unescape(value) for key, value in re.findall(r"(\w+)=[\"']([^\"']*)[\"']", tag)}
            if name := attributes.get("name"):
                data[name] = {**self._fields, **fields}.get(name, attributes.get("value", ""))
        return urljoin(str(answer.url), unescape(found[1])), data


def query_of(address: httpx.URL | str) -> dict[str, str]:
    """Read the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(str(address)).query).items()}


@pytest.fixture(scope="session")
def both_realms(
    npm_environment: Callable[..., tuple[str, Path]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Realm]]:
    node, packages = npm_environment("oidc-provider@9.13.3")
    folder = tmp_path_factory.mktemp("provider")
    (folder / "node_modules").symlink_to(packages / "node_modules")
    program = shutil.copy(Path(__file__).parent / "provider.mjs", folder)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([node, program], **pipes)
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        yield [Realm(issuer) for issuer in json.loads(process.stdout.readline())]
    process.wait(10)


@pytest.fixture
def hospital(both_realms: list[Realm]) -> Iterator[Realm]:
    """The provider of the hospital."""
    yield both_realms[0]
    both_realms[0].reset()


@pytest.fixture
def university(both_realms: list[Realm]) -> Iterator[Realm]:
    """The provider of the university."""
    yield both_realms[1]
    both_realms[1].reset()


@pytest.fixture
def clock() -> FixedClock:
    """Stands still, but today: a real provider's tokens are valid now."""
    return FixedClock(datetime.now(UTC))


def registration(realm: Realm, name: str = "hospital", **fields: Any) -> OidcProvider:
    """Settings for a provider, as an operator writes them."""
    given = {"name": name, "issuer": realm.issuer, "client_id": "hanse", "client_secret": SECRET}
    return OidcProvider.model_validate({**given, "redirect_uris": (CALLBACK,), **fields})


@pytest.fixture(name="registration")
def registration_fixture() -> Callable[..., OidcProvider]:
    return registration


@pytest.fixture
def browser() -> type[Browser]:
    return Browser


GROUPS = {
    "researchers": {"organization": "alpha", "roles": ["Researcher"]},
    "admins": {"organization": "alpha", "roles": ["Organization Admin"]},
    "partners": {"organization": "beta", "roles": ["Viewer"]},
}


@pytest.fixture
def realms_known() -> dict[str, Any]:
    """More settings of the hospital's provider; override the fixture to change them."""
    return {}


@pytest.fixture
def settings(settings: Settings, hospital: Realm, university: Realm, realms_known: dict[str, Any]) -> Settings:
    """Both providers are known: the hospital's creates accounts, the university's knows only who was linked."""
    known = {"groups": GROUPS, "unknown_users": "create", "label": "The hospital", **realms_known}
    providers = (registration(hospital, **known), registration(university, "university", require_group=False))
    return settings.model_copy(update={"oidc": providers})


@dataclass
class Desk:
    """Where people log in."""

    client: httpx.AsyncClient

    async def start(self, provider: str = "hospital", path: str = "start", **fields: Any) -> dict[str, Any]:
        body = {"redirect_uri": CALLBACK, **fields}
        answer = await self.client.post(f"/oidc/{provider}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        begun: dict[str, Any] = answer.json()
        return begun

    async def brought_back(self, name: str, begun: dict[str, Any], **fields: str | None) -> dict[str, Any]:
        """Log in at the provider, and give the body with which the login is finished here."""
        reached = Browser(name).visit(begun["authorization_url"])
        assert isinstance(reached, httpx.URL), reached
        sent = query_of(reached)
        return {"ticket": begun["ticket"], "state": sent["state"], "code": sent["code"], "iss": sent["iss"], **fields}

    async def finish(self, body: dict[str, Any], provider: str = "hospital", path: str = "finish") -> httpx.Response:
        return await self.client.post(f"/oidc/{provider}/{path}", json=body)

    async def log_in(self, name: str, provider: str = "hospital") -> httpx.Response:
        return await self.finish(await self.brought_back(name, await self.start(provider)), provider)

    async def refresh(self, tokens: dict[str, str]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {tokens['refresh_token']}"}
        return await self.client.post("/token/refresh", headers=headers)

    async def whoami(self, tokens: dict[str, str]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        key = tokens["user_url"].rpartition("/")[2]
        return await self.client.get(f"/user/{key}", params={"include_permissions": True}, headers=headers)


@pytest.fixture
def desk(anonymous: httpx.AsyncClient) -> Desk:
    return Desk(anonymous)


@pytest.fixture
def alpha(make: Any) -> Organization:
    """The organization of the hospital's researchers."""
    organization: Organization = make.organization("alpha")
    return organization


@pytest.fixture
def ada(hospital: Realm, alpha: Organization) -> str:
    """Somebody whom only the provider knows."""
    hospital.person("ada", "researchers", "choir", given_name="Ada", email="ada@x.example", email_verified=True)
    return "ada"


@pytest.fixture
def roles(session: Session) -> Callable[[str], set[str]]:
    """Give the names of the roles that a user holds now."""

    def of(username: str) -> set[str]:
        session.rollback()
        session.expire_all()
        user = session.scalars(select(User).where(User.username == username)).one()
        return {role.name for role in user.roles}

    return of
