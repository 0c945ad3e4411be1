"""One text, two modes (docs/adr/0005)."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import Any

import pytest

from hanse import AsyncClient, Client
from hanse._modes import Awaiting, Blocking, TwoModes, finish, iteration, operation
from hanse.client import Api


def operations(api: object) -> dict[str, Any]:
    """Every operation that a client offers, by the way one writes it."""
    found = {}
    for owner_name, owner in [("", api), *((name, each) for name, each in vars(api).items() if _is_resource(each))]:
        for name in dir(type(owner)):
            if isinstance(inspect.getattr_static(type(owner), name), (operation, iteration)):
                found[f"{owner_name}.{name}".lstrip(".")] = getattr(owner, name)
    return found


def _is_resource(value: object) -> bool:
    return isinstance(value, TwoModes) and not isinstance(value, Api)


def test_both_clients_offer_the_same_operations_with_the_same_signatures() -> None:
    blocking, awaiting = operations(Client("http://hanse.test")), operations(AsyncClient("http://hanse.test"))
    assert len(blocking) > 60
    assert {name: str(inspect.signature(each)) for name, each in blocking.items()} == {
        name: str(inspect.signature(each)) for name, each in awaiting.items()
    }


def test_every_operation_shows_its_docstring_and_no_self() -> None:
    for name, call in operations(Client("http://hanse.test")).items():
        assert call.__doc__, name
        assert "self" not in inspect.signature(call).parameters, name


def test_a_blocking_operation_starts_no_thread_and_needs_no_loop(server: Any) -> None:
    with Client("http://hanse.test", "alice", "Secret.1", transport=server.transport()) as client:
        before = threading.active_count()
        assert [each.name for each in client.organizations.list()][:2] == ["alpha", "beta"]
        assert threading.active_count() == before


async def test_a_blocking_client_works_inside_a_running_loop(server: Any) -> None:
    with Client("http://hanse.test", "alice", "Secret.1", transport=server.transport()) as client:
        assert client.organizations.get(2).name == "alpha"


async def test_operations_of_an_awaiting_client_go_on_at_the_same_time(server: Any) -> None:
    async with AsyncClient("http://hanse.test", "alice", "Secret.1", transport=server.transport()) as client:
        found = await asyncio.gather(*(client.organizations.get(id) for id in (2, 3, 4)))
    assert [each.name for each in found] == ["alpha", "beta", "gamma"]


def test_an_operation_that_would_suspend_a_blocking_client_is_a_bug_and_says_so() -> None:
    with pytest.raises(RuntimeError, match="bug in Hanse"):
        finish(asyncio.sleep(0))


class Counter(TwoModes[Any]):
    def __init__(self, awaiting: Counter | None = None) -> None:
        self.awaiting = awaiting or self

    @operation
    async def one(self) -> int:
        """Give one."""
        return 1

    @operation
    async def two(self) -> int:
        return await self.one() + await self.one()

    @iteration
    async def upwards(self, end: int) -> Any:
        for number in range(end):
            yield number

    list = upwards.collected()


def test_operations_may_call_each_other_in_either_mode() -> None:
    blocking = Counter(awaiting=Counter())
    assert blocking.two() == 2
    assert asyncio.run(blocking.awaiting.two()) == 2
    assert blocking.list(3) == [0, 1, 2]
    assert list(blocking.upwards(end=2)) == [0, 1]


def test_modes_are_only_marks() -> None:
    assert Blocking is not Awaiting
    assert isinstance(Counter.one, operation)
