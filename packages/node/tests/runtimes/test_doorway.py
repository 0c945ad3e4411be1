"""The ports of a run's network: whenever opening is given up, nothing stays open."""

import asyncio
import socket
from pathlib import Path

from hanse_node.runtimes.base import Door
from hanse_node.runtimes.docker.doorway import Doorway, port_is_free
from hanse_node.runtimes.docker.networks import Network


async def test_opening_can_be_given_up_at_any_moment(tmp_path: Path) -> None:
    doorway = Doorway(None)
    network = Network("n", "lo", "127.0.0.1", "127.0.0.0/8")
    ports = _free_ports(2)
    doors = [Door(tmp_path / "d", "h", ports[1])]
    for steps in range(40):
        opening = asyncio.create_task(doorway.open(network, Door(tmp_path / "s", "h", ports[0]), doors))
        for _ in range(steps):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait({opening})
        if not opening.cancelled():
            await doorway.close(network)
        assert doorway.ports(network) == ()
        assert all(port_is_free(port, None) for port in ports), f"after {steps} steps"


def _free_ports(number: int) -> list[int]:
    taken = [socket.socket() for _ in range(number)]
    for one in taken:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports
