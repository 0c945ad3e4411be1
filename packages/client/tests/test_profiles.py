"""Logins kept between commands."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hanse import AsyncClient, Client
from hanse._login import Tokens
from hanse.profiles import Profile, load, path_of, save
from hanse_core.errors import Invalid, Unauthenticated

PROFILE = Profile("http://hanse.test", "alice", Tokens("access-1", "refresh-1", 7))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_a_login_comes_back_as_it_was_stored() -> None:
    assert save("default", PROFILE) == path_of("default")
    assert load() == PROFILE


def test_only_the_owner_can_read_it(home: Path) -> None:
    path = save("default", PROFILE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "hanse").stat().st_mode) == 0o700
    assert list((home / "hanse").iterdir()) == [path]


def test_a_login_that_others_may_read_is_not_used() -> None:
    save("default", PROFILE).chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        load()


def test_a_missing_login_says_how_to_log_in() -> None:
    with pytest.raises(Unauthenticated, match="hanse login --server URL --user NAME"):
        load("work")


@pytest.mark.parametrize("text", ["{", "[]", '{"url": "http://hanse.test"}'])
def test_a_damaged_login_is_named(text: str) -> None:
    path = save("default", PROFILE)
    path.write_text(text)
    with pytest.raises(Invalid, match="damaged"):
        load()


@pytest.mark.parametrize("name", ["../escape", "", ".hidden", "a/b"])
def test_a_name_cannot_leave_the_folder(name: str) -> None:
    with pytest.raises(Invalid, match="cannot name a profile"):
        path_of(name)


def test_the_default_place_is_below_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert path_of("default") == Path.home() / ".config" / "hanse" / "default.json"


def test_a_client_of_a_profile_stores_renewed_tokens(server: Any) -> None:
    path = save("default", PROFILE)
    server.access = 2
    with Client.from_profile(transport=server.transport()) as client:
        assert client.organizations.get(2).name == "alpha"
    assert json.loads(path.read_text())["access_token"] == "access-2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_tokens_that_another_process_renewed_are_taken_from_the_profile(server: Any) -> None:
    save("default", PROFILE)
    server.access = 2
    with Client.from_profile(transport=server.transport()) as late:
        with Client.from_profile(transport=server.transport()) as early:
            early.organizations.get(2)
        assert late.organizations.get(2).name == "alpha"
    assert len(server.sent("POST", "token/refresh")) == 1


def test_programs_that_renew_at_the_same_time_renew_once(server: Any) -> None:
    """A refresh token that comes late would end the login of all of them."""
    save("default", PROFILE)
    server.access = 2

    def program(_: int) -> str:
        with Client.from_profile(transport=server.transport(), live=False) as client:
            return client.organizations.get(2).name

    with ThreadPoolExecutor(6) as programs:
        assert list(programs.map(program, range(12))) == ["alpha"] * 12
    assert len(server.sent("POST", "token/refresh")) == 1


def test_nobody_takes_the_tokens_of_another_user_of_the_profile(server: Any) -> None:
    save("default", PROFILE)
    with Client.from_profile(transport=server.transport()) as client:
        save("default", replace(PROFILE, username="bob", tokens=Tokens("access-2", "refresh-9", 8)))
        server.access = 2
        client.organizations.get(2)
        assert client.session.tokens is not None
        assert client.session.tokens.user_id == 7
    assert load().username == "bob"
    assert load().tokens.refresh == "refresh-9"


async def test_the_awaitable_client_takes_profiles_too(server: Any) -> None:
    save("work", PROFILE)
    async with AsyncClient.from_profile("work", transport=server.transport()) as client:
        assert (await client.whoami()).username == "alice"
