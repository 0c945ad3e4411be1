"""Our client logs in at a real provider: through a browser on its machine, and through one elsewhere."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hanse import AsyncClient
from hanse_core.errors import Unauthenticated

pytestmark = pytest.mark.needs("npm")


@pytest.fixture
async def client(server: Any, make: Any, hospital: Any) -> AsyncIterator[AsyncClient]:
    make.organization("alpha")
    hospital.person("ada", "researchers")
    async with AsyncClient("http://hanse.test", transport=httpx.ASGITransport(server.app), live=False) as client:
        yield client


async def test_a_browser_on_the_same_machine_brings_the_login_back(client: AsyncClient, browser: Any) -> None:
    pages: list[Any] = []
    user = await client.log_in_with(
        "hospital",
        device=False,
        open_browser=lambda address: pages.append(browser("ada").visit(address)),
        show=lambda text: None,
    )
    assert user.username == "ada"
    assert "close this window" in pages[0]
    assert (await client.whoami()).id == user.id


async def test_a_code_is_entered_in_a_browser_elsewhere(
    client: AsyncClient, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is as quick as the program: while it pauses for the first time, the code is entered."""
    begun: list[str] = []

    async def enter(_: float) -> None:
        words = begun[0].split()
        assert "Success" in browser("ada").visit(words[1], user_code=words[-1])

    monkeypatch.setattr(client.session.transport, "pause", enter)
    user = await client.log_in_with("hospital", device=True, show=begun.append)
    assert user.username == "ada"


async def test_who_may_no_longer_come_in_is_told_why(
    client: AsyncClient, browser: Any, hospital: Any, clock: Any
) -> None:
    from datetime import timedelta

    visit = {"open_browser": lambda address: browser("ada").visit(address), "show": lambda text: None}
    await client.log_in_with("hospital", device=False, **visit)
    hospital.person("ada", "choir")
    clock.moment += timedelta(hours=7)
    with pytest.raises(Unauthenticated, match="none of your groups"):
        await client.whoami()
