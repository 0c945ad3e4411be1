"""Staying logged in: the provider is asked again whenever tokens are renewed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hanse_server.accounts.models import Organization
from hanse_server.sso.lapses import Lapses
from hanse_web.clock import FixedClock

pytestmark = pytest.mark.needs("npm")
LATER = timedelta(hours=1)


@pytest.fixture
async def tokens(desk: Any, hospital: Any, alpha: Organization) -> dict[str, str]:
    """Ada is logged in, as researcher and as administrator."""
    hospital.person("ada", "researchers", "admins")
    answer = await desk.log_in("ada")
    given: dict[str, str] = answer.json()
    return given


async def renewed(desk: Any, tokens: dict[str, str], clock: FixedClock, after: timedelta = LATER) -> Any:
    clock.moment += after
    return await desk.refresh(tokens)


async def test_whoever_is_still_welcome_is_renewed_again_and_again(
    desk: Any, tokens: dict[str, str], clock: FixedClock, roles: Any
) -> None:
    for _ in range(3):
        answer = await renewed(desk, tokens, clock)
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
    assert roles("ada") == {"Researcher", "Organization Admin"}


async def test_a_new_group_gives_its_roles_at_the_next_renewal(
    desk: Any, hospital: Any, alpha: Any, clock: FixedClock, roles: Any
) -> None:
    hospital.person("bob", "researchers")
    given = (await desk.log_in("bob")).json()
    hospital.person("bob", "researchers", "admins")
    assert (await renewed(desk, given, clock)).status_code == 200
    assert roles("bob") == {"Researcher", "Organization Admin"}


async def test_a_lost_group_ends_the_sessions_and_takes_its_role_away(
    desk: Any, tokens: dict[str, str], hospital: Any, clock: FixedClock, roles: Any
) -> None:
    other = (await desk.log_in("ada")).json()
    hospital.person("ada", "researchers")
    answer = await renewed(desk, tokens, clock)
    assert answer.status_code == 401
    assert "no longer in a group" in answer.json()["msg"]
    assert roles("ada") == {"Researcher"}
    for each in (tokens, other):
        assert (await desk.whoami(each)).status_code == 401
        assert (await desk.refresh(each)).status_code == 401
    assert (await desk.log_in("ada")).status_code == 200


async def test_who_has_lost_all_groups_cannot_come_back(
    desk: Any, tokens: dict[str, str], hospital: Any, clock: FixedClock, roles: Any
) -> None:
    hospital.person("ada", "choir")
    assert (await renewed(desk, tokens, clock)).status_code == 401
    assert roles("ada") == set()
    assert (await desk.log_in("ada")).status_code == 401


async def test_an_account_that_is_closed_there_is_out_here(
    desk: Any, tokens: dict[str, str], hospital: Any, clock: FixedClock, roles: Any
) -> None:
    hospital.dismiss("ada")
    answer = await renewed(desk, tokens, clock)
    assert answer.status_code == 401
    assert "log in again" in answer.json()["msg"]
    assert (await desk.whoami(tokens)).status_code == 401
    assert roles("ada") == set()


async def test_one_session_too_old_for_the_provider_takes_nothing_from_another_one(
    desk: Any, tokens: dict[str, str], hospital: Any, clock: FixedClock, roles: Any, session: Session
) -> None:
    await desk.log_in("ada")
    hospital.dismiss("ada")
    assert (await renewed(desk, tokens, clock)).status_code == 401
    assert roles("ada") == {"Researcher", "Organization Admin"}


async def test_roles_given_by_hand_stay(
    desk: Any, tokens: dict[str, str], hospital: Any, clock: FixedClock, roles: Any, as_user: Any
) -> None:
    user = (await desk.whoami(tokens)).json()
    root = as_user("root")
    listed = (await root.get("/role", params={"name": "Viewer"})).json()["data"]
    wanted = [*user["permissions"]["roles"], listed[0]["id"]]
    assert (await root.patch(f"/user/{user['id']}", json={"roles": wanted})).status_code == 200
    hospital.person("ada", "choir")
    assert (await renewed(desk, tokens, clock)).status_code == 401
    assert roles("ada") == {"Viewer"}


async def test_while_the_provider_cannot_be_reached_a_login_goes_on_for_the_hours_of_grace(
    desk: Any, tokens: dict[str, str], hospital: Any, clock: FixedClock, roles: Any
) -> None:
    hospital.mood(503)
    answer = await renewed(desk, tokens, clock, timedelta(hours=7))
    assert answer.status_code == 200
    late = await renewed(desk, answer.json(), clock, timedelta(hours=2))
    assert (late.status_code, late.json()["code"]) == (503, "unavailable")
    assert "8 hours" in late.json()["msg"]
    hospital.mood(None)
    assert (await desk.refresh(answer.json())).status_code == 200
    assert roles("ada") == {"Researcher", "Organization Admin"}


class TestWithoutRefreshToken:
    """A provider that gives none cannot be asked."""

    @pytest.fixture
    def realms_known(self) -> dict[str, Any]:
        return {"scopes": ("openid", "profile")}

    async def test_a_login_lasts_for_the_hours_of_grace(
        self, desk: Any, tokens: dict[str, str], clock: FixedClock
    ) -> None:
        answer = await renewed(desk, tokens, clock, timedelta(hours=7))
        assert answer.status_code == 200
        late = await renewed(desk, answer.json(), clock, timedelta(hours=2))
        assert (late.status_code, late.json()["code"]) == (401, "unauthenticated")


async def test_two_renewals_at_once_ask_the_provider_once(desk: Any, tokens: dict[str, str], clock: FixedClock) -> None:
    """A provider takes a refresh token once, and ends everything when it is used twice."""
    clock.moment += LATER
    answers = await asyncio.gather(*(desk.refresh(tokens) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert (await renewed(desk, answers[0].json(), clock)).status_code == 200


async def test_a_provider_that_is_no_longer_in_the_settings_keeps_nobody_logged_in(
    desk: Any, tokens: dict[str, str], clock: FixedClock, server: Any
) -> None:
    confirming = server.app.state.refreshes._confirm.__self__
    confirming._by_method.clear()
    assert (await renewed(desk, tokens, clock)).status_code == 401
    assert (await desk.whoami(tokens)).status_code == 401


async def test_roles_of_groups_lapse_when_nobody_confirms_them(
    desk: Any, tokens: dict[str, str], clock: FixedClock, server: Any, settings: Any, roles: Any
) -> None:
    lapses = Lapses(server.app.state.works, settings.oidc)
    clock.moment += timedelta(days=7)
    assert await lapses.look() == 0
    clock.moment += timedelta(seconds=1)
    assert await lapses.look() == 1
    assert roles("ada") == set()
    assert await lapses.look() == 0
    assert (await desk.log_in("ada")).status_code == 200
    assert roles("ada") == {"Researcher", "Organization Admin"}
    assert await Lapses(server.app.state.works, settings.oidc[1:]).look() == 1
    assert roles("ada") == set()
