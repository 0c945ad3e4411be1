"""The few objects that everything at a node works with, built once in `main`."""

import asyncio
from dataclasses import dataclass

from hanse_node.control import Control
from hanse_node.egress.ways import WaysOut
from hanse_node.gate import Gate
from hanse_node.journal import Journal
from hanse_node.pins import Pins
from hanse_node.proxy.sockets import Proxy
from hanse_node.runtimes.base import Runtime
from hanse_node.settings import Settings
from hanse_node.sources import Sources
from hanse_node.uplink.base import Uplink
from hanse_node.vault import Vault
from hanse_node.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Station:
    """One node at work."""

    settings: Settings
    uplink: Uplink
    runtime: Runtime
    journal: Journal
    workspace: Workspace
    vault: Vault
    sources: Sources
    proxy: Proxy
    ways: WaysOut
    gate: Gate
    control: Control
    pins: Pins
    secret: bytes
    starts: asyncio.Semaphore
    """Limits how many runs are being started at the same time."""
    slots: asyncio.Semaphore
    """Limits how many top-level runs work at a time. Subtasks need no slot: their parent may hold the last one."""
