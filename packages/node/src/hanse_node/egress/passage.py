"""A plain way to one service: every connection of a run leads there, whatever it sends."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from hanse_core.errors import HanseError
from hanse_node.egress.dialling import Dialled
from hanse_node.streams import carry

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Passage:
    """Serves the connections of one run to one service."""

    run_id: int
    way: str
    """What it leads to, as this station's administrator calls it."""
    connect: Callable[[], Awaitable[Dialled]]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect, and carry what follows; whatever happens, the connection is closed."""
        about = {"run_id": self.run_id, "way": self.way}
        try:
            dialled = await self.connect()
        except HanseError as error:
            log.warning("egress_failed", **about, cause=error.message)
            writer.transport.abort()
            return
        except BaseException:
            writer.transport.abort()
            raise
        log.info("egress_opened", **about, peer=dialled.peer)
        counts = [0, 0]
        try:
            await carry((reader, writer), dialled.line, counts)
        finally:
            log.info("egress_closed", **about, sent=counts[0], received=counts[1])
