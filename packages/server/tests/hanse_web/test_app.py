"""The application as a whole: health, errors, other origins, background jobs."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from hanse_core import __version__
from hanse_server.main import create_app, openapi_schema
from hanse_server.settings import Settings
from hanse_web import app as app_module
from hanse_web.app import _kept_alive


@pytest.mark.replays("02")
async def test_version_and_health_are_told_to_everybody(
    anonymous: httpx.AsyncClient, recording: Any, answers_like: Any
) -> None:
    version, health = recording("02")
    answer = await anonymous.get("/version")
    answers_like(answer, version, more=frozenset({"hanse"}))
    assert answer.json() == {"version": "4.15.2", "hanse": __version__}
    answers_like(await anonymous.get("/health"), health)


async def test_health_tells_when_the_database_is_away(server: Any, anonymous: httpx.AsyncClient) -> None:
    server.app.state.engine = _Broken()
    answer = await anonymous.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"database": False})


class _Broken:
    def connect(self) -> None:
        from sqlalchemy.exc import OperationalError

        raise OperationalError("SELECT 1", {}, Exception("gone"))


@pytest.mark.replays("15", 2, 3)
async def test_unknown_pages_and_methods_are_answered_as_recorded(
    anonymous: httpx.AsyncClient, recording: Any, answers_like: Any
) -> None:
    _, _, page, method, *_ = recording("15")
    answer = await anonymous.get("/nope")
    answers_like(answer, page)
    assert answer.headers["content-type"].startswith("text/html")
    answer = await anonymous.put("/user")
    assert answer.status_code == method["response"]["status"] == 405
    assert "GET" in answer.headers["allow"]


async def test_other_origins_may_call_by_default(anonymous: httpx.AsyncClient) -> None:
    origin = {"Origin": "https://ui.example"}
    answer = await anonymous.get("/version", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "https://ui.example"
    assert answer.headers["vary"] == "Origin"
    preflight = await anonymous.options(
        "/task",
        headers={**origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"},
    )
    assert preflight.status_code == 200
    assert set(preflight.headers["access-control-allow-methods"].split(", ")) >= {"GET", "POST", "PATCH", "DELETE"}
    assert preflight.headers["access-control-allow-headers"] == "authorization"


async def test_origins_can_be_restricted(settings: Settings) -> None:
    narrow = settings.model_copy(update={"cors_allowed_origins": (r"https://ui\.example",)})
    app = create_app(narrow)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hanse.test/api") as client:
        allowed = await client.get("/version", headers={"Origin": "https://ui.example"})
        refused = await client.get("/version", headers={"Origin": "https://ui.example.evil.example"})
    engine: Engine = app.state.engine
    engine.dispose()
    assert allowed.headers["access-control-allow-origin"] == "https://ui.example"
    assert "access-control-allow-origin" not in refused.headers


async def test_a_background_job_that_fails_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "RESTART_SECONDS", 0)
    attempts = 0

    async def job() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ValueError("not yet")

    await asyncio.wait_for(_kept_alive(job), 5)
    assert attempts == 3


@pytest.mark.replays("15", 7)
async def test_a_body_of_another_kind_is_refused_as_recorded(
    anonymous: httpx.AsyncClient, recording: Any, answers_like: Any
) -> None:
    exchange = recording("15")[7]
    answer = await anonymous.post("/token/user", content="x", headers={"Content-Type": "text/plain"})
    answers_like(answer, exchange, more=frozenset({"msg"}))


def test_the_description_of_the_api_names_parameters_errors_and_tokens() -> None:
    schema = openapi_schema()
    users = schema["paths"]["/api/user"]["get"]
    assert {"username", "page", "sort"} <= {one["name"] for one in users["parameters"]}
    assert users["security"]
    for path, methods in schema["paths"].items():
        for method, described in methods.items():
            assert "422" not in described["responses"], (method, path)
            assert {"4XX", "5XX"} <= set(described["responses"]), (method, path)
            assert described.get("summary"), (method, path)
