"""Profiles of nodes, got from a portal that speaks as an eduVPN 3 server does.

The portal is a stand-in, written after the protocol's description: no eduVPN server can be installed here.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hanse_server.peers.eduvpn import EduVpn
from hanse_server.settings import Settings
from hanse_server.settings.vpn import VpnServer

PORTAL = "https://vpn.example/vpn-user-portal"
CALLBACK = "http://localhost/callback"
VPN = VpnServer(
    url="https://vpn.example/",
    redirect_url=CALLBACK,
    client_id="hanse",
    client_secret="secret-of-client",
    portal_username="node-account",
    portal_userpass="secret-of-account",
)


@dataclass
class Portal:
    """Signs one account in, gives codes to its browser, tokens for codes, and profiles for tokens."""

    profiles: list[str] = field(default_factory=lambda: ["internet", "other"])
    asks_for_secret: bool = True
    state_sent_back: str | None = None
    instead: dict[str, Response] = field(default_factory=dict)
    challenge: str = ""
    given: int = 0

    async def handle(self, request: Request) -> Response:
        path = request.url.path
        if path in self.instead:
            return self.instead[path]
        name = path.strip("/.").replace("/", "_").replace(".", "").replace("-", "_")
        answer: Response = await getattr(self, f"_{name}")(request, {k: v[0] for k, v in await _form(request)})
        return answer

    async def _well_known_vpn_user_portal(self, _: Request, __: dict[str, str]) -> Response:
        places = {
            "api_endpoint": f"{PORTAL}/api/v3",
            "authorization_endpoint": f"{PORTAL}/oauth/authorize",
            "token_endpoint": f"{PORTAL}/oauth/token",
        }
        return JSONResponse({"api": {"http://eduvpn.org/api#3": places}, "v": "3.0"})

    async def _vpn_user_portal__user_pass_auth_verify(self, request: Request, form: dict[str, str]) -> Response:
        if (form["userName"], form["userPass"]) != ("node-account", "secret-of-account"):
            return Response("wrong", status_code=403)
        assert request.headers["referer"] == form["_user_pass_auth_redirect_to"] == form["authRedirectTo"]
        answer = RedirectResponse(form["authRedirectTo"], status_code=302)
        answer.set_cookie("session", "signed-in", secure=True, path="/")
        return answer

    async def _vpn_user_portal_oauth_authorize(self, request: Request, _: dict[str, str]) -> Response:
        query = request.query_params
        known = (query["client_id"], query["redirect_uri"]) == ("hanse", CALLBACK)
        if request.cookies.get("session") != "signed-in" or not known:
            return Response("<html>sign in</html>", media_type="text/html")
        assert (query["response_type"], query["scope"], query["code_challenge_method"]) == ("code", "config", "S256")
        self.challenge = query["code_challenge"]
        state = self.state_sent_back or query["state"]
        return RedirectResponse(f"{CALLBACK}?{urlencode({'code': 'the-code', 'state': state})}", status_code=302)

    async def _vpn_user_portal_oauth_token(self, request: Request, form: dict[str, str]) -> Response:
        basic = base64.b64encode(b"hanse:secret-of-client").decode()
        if self.asks_for_secret and request.headers.get("authorization") != f"Basic {basic}":
            return Response("who?", status_code=401)
        digest = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if form["code"] != "the-code" or digest.decode() != self.challenge:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        return JSONResponse({"access_token": "the-token", "token_type": "bearer", "expires_in": 3600})

    async def _vpn_user_portal_api_v3_info(self, request: Request, _: dict[str, str]) -> Response:
        assert request.headers["authorization"] == "Bearer the-token"
        return JSONResponse({"info": {"profile_list": [{"profile_id": name} for name in self.profiles]}})

    async def _vpn_user_portal_api_v3_connect(self, request: Request, form: dict[str, str]) -> Response:
        assert request.headers["authorization"] == "Bearer the-token"
        self.given += 1
        return Response(
            f"# {form['profile_id']} {self.given}\r\nclient\r\n", media_type="application/x-openvpn-profile"
        )


async def _form(request: Request) -> Any:
    return parse_qs((await request.body()).decode()).items()


@pytest.fixture
def portal() -> Portal:
    return Portal()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"vpn_server": VPN})


@pytest.fixture(autouse=True)
def _reached(server: Any, portal: Portal) -> None:
    app = Starlette(routes=[Route("/{path:path}", portal.handle, methods=["GET", "POST"])])
    server.app.state.vpn = EduVpn(VPN, httpx.ASGITransport(app))


async def test_a_node_gets_a_profile_of_its_own(clients: Any, portal: Portal) -> None:
    first = await clients.node("alpha_main").get("/vpn")
    second = await clients.node("beta_main").get("/vpn")

    assert first.json() == {"ovpn_config": "# internet 1\r\nclient\r\n"}
    assert second.json() == {"ovpn_config": "# internet 2\r\nclient\r\n"}


async def test_a_portal_may_do_without_the_clients_secret(clients: Any, portal: Portal) -> None:
    portal.asks_for_secret = False

    assert (await clients.node("alpha_main").get("/vpn")).status_code == 200


async def test_a_profile_is_replaced_by_a_new_one(clients: Any) -> None:
    answer = await clients.node("alpha_main").post("/vpn/update", json={"vpn_config": "old"})

    assert answer.json() == {"ovpn_config": "# internet 1\r\nclient\r\n"}


async def test_only_nodes_get_profiles(clients: Any, portal: Portal) -> None:
    assert (await clients.user("root").get("/vpn")).status_code == 403
    assert (await clients.user("root").post("/vpn/update", json={"vpn_config": "x"})).status_code == 403
    assert portal.given == 0


@pytest.mark.parametrize("wrong", ["portal_userpass", "client_secret", "client_id", "redirect_url"])
async def test_what_the_operator_set_wrongly_is_his_to_mend(
    clients: Any, server: Any, portal: Portal, wrong: str, capsys: Any
) -> None:
    fields = {**VPN.model_dump(), wrong: "http://wrong.example/secret-of-someone"}
    app = Starlette(routes=[Route("/{path:path}", portal.handle, methods=["GET", "POST"])])
    server.app.state.vpn = EduVpn(VpnServer(**fields), httpx.ASGITransport(app))

    answer = await clients.node("alpha_main").get("/vpn")

    assert (answer.status_code, answer.json()["code"]) == (500, "misconfigured")
    assert "secret-of" not in answer.text + capsys.readouterr().out


async def test_a_code_for_another_request_is_not_used(clients: Any, portal: Portal) -> None:
    portal.state_sent_back = "forged"

    assert (await clients.node("alpha_main").get("/vpn")).status_code == 500


@pytest.mark.parametrize(
    ("path", "answer", "status"),
    [
        ("/.well-known/vpn-user-portal", Response("<html>"), 500),
        ("/.well-known/vpn-user-portal", JSONResponse({"api": 7}), 500),
        ("/.well-known/vpn-user-portal", JSONResponse({"api": {"http://eduvpn.org/api#2": {}}}), 500),
        ("/.well-known/vpn-user-portal", Response("", 404), 500),
        ("/.well-known/vpn-user-portal", Response("", 502), 503),
        ("/vpn-user-portal/oauth/token", JSONResponse({"access_token": None}), 500),
        ("/vpn-user-portal/api/v3/info", JSONResponse({"info": {"profile_list": []}}), 500),
        ("/vpn-user-portal/api/v3/info", Response("", 403), 500),
        ("/vpn-user-portal/api/v3/connect", Response("", 200), 500),
        ("/vpn-user-portal/api/v3/connect", Response("x" * (1 << 19)), 500),
    ],
)
async def test_a_portal_that_answers_otherwise_gives_no_profile(
    clients: Any, portal: Portal, path: str, answer: Response, status: int
) -> None:
    portal.instead[path] = answer

    assert (await clients.node("alpha_main").get("/vpn")).status_code == status


async def test_a_portal_that_is_away_may_be_back_later(clients: Any, server: Any) -> None:
    class Away(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("no route")

    server.app.state.vpn = EduVpn(VPN, Away())

    answer = await clients.node("alpha_main").get("/vpn")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_secrets_of_the_portal_may_be_in_files(tmp_path: Any) -> None:
    file = tmp_path / "secret"
    file.write_text("from-file\n")
    fields = {**VPN.model_dump(), "client_secret": None, "client_secret_file": file}

    assert VpnServer(**fields).secret("client_secret") == "from-file"
    with pytest.raises(ValueError, match="client_secret or client_secret_file"):
        VpnServer(**{**fields, "client_secret_file": None})
