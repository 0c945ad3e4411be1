"""Connections to PostgreSQL that were closed from the other side."""

from typing import Any

import pytest
from sqlalchemy import Engine, text

from hanse_web import postgres

OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.needs("postgres"))])
def database(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_who_reads_does_not_notice_that_the_database_was_restarted(as_user: Any, engine: Engine) -> None:
    root = as_user("root")
    assert (await root.get("/organization")).status_code == 200
    _close_all(engine)
    assert (await root.get("/organization")).status_code == 200


async def test_who_writes_does_not_notice_it_when_the_connection_was_idle_for_a_while(
    as_user: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "TRUSTED_SECONDS", -1)
    root = as_user("root")
    assert (await root.post("/organization", json={"name": "first"})).status_code == 201
    _close_all(engine)
    assert (await root.post("/organization", json={"name": "second"})).status_code == 201


async def test_a_write_whose_connection_breaks_is_refused_once_and_not_repeated(as_user: Any, engine: Engine) -> None:
    root = as_user("root")
    assert (await root.post("/organization", json={"name": "first"})).status_code == 201
    assert (await root.get("/organization")).status_code == 200  # so that who asks is known when it breaks
    _close_all(engine)
    answer = await root.post("/organization", json={"name": "second"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await root.post("/organization", json={"name": "second"})).status_code == 201


def _close_all(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text(OTHERS))
