"""Which of several addresses of a name is connected to."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from hanse_node.egress.dialling import Dialler, NoAnswer
from hanse_node.egress.rules import Destination

NAME = "two.example"
pytestmark = pytest.mark.allow_hosts([f"127.0.0.{number}" for number in range(1, 5)])


@pytest.fixture
def port() -> Iterator[int]:
    """One that answers at 127.0.0.1, and says nothing at 127.0.0.2, where its queue is full."""
    with ExitStack() as open_sockets:
        good, silent = (open_sockets.enter_context(socket.socket()) for _ in range(2))
        good.bind(("127.0.0.1", 0))
        good.listen()
        number = int(good.getsockname()[1])
        silent.bind(("127.0.0.2", number))
        silent.listen(0)
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.2", number))
        yield number


def dialler(*addresses: str) -> Dialler:
    async def inner() -> Sequence[str]:
        return []

    async def resolve(name: str) -> Sequence[str]:
        assert name == NAME
        return addresses

    return Dialler(inner, None, None, resolve)


@pytest.mark.parametrize("silent", ["127.0.0.2", "127.0.0.3"])
async def test_an_address_that_is_silent_or_refuses_does_not_keep_the_next_one_away(port: int, silent: str) -> None:
    dialled = await dialler(silent, "127.0.0.1").connect("way", Destination(NAME, port))
    dialled.line[1].close()
    assert dialled.peer == "127.0.0.1"


async def test_where_all_addresses_refuse_that_is_said(port: int) -> None:
    with pytest.raises(NoAnswer, match=f"{NAME}:{port} cannot be reached: Connect call failed"):
        await dialler("127.0.0.3", "127.0.0.4").connect("way", Destination(NAME, port))
