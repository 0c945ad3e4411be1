"""A real SMTP server in the event loop of a test, which ends only after all its connections have."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP

PATIENCE = 5.0
"""Seconds for clients to leave by themselves."""

logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class _Connection(SMTP):
    """One connection that others can end."""

    first: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.first is None:  # STARTTLS makes it again, on top of the first
            assert isinstance(transport, asyncio.WriteTransport)
            self.first = transport


@asynccontextmanager
async def smtp_server(handler: Any, *, ssl_context: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    """Give the port of a mail server of 127.0.0.1; `handler` and `options` are those of `aiosmtpd.smtp.SMTP`.

    A connection that outlives the loop is closed by the garbage collector, which fails whichever test runs then.
    """
    connections: list[_Connection] = []

    def connect() -> _Connection:
        connections.append(_Connection(handler, enable_SMTPUTF8=True, **options))
        return connections[-1]

    server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0, ssl=ssl_context)
    # Asked before the server closes: until Python 3.12 later questions are answered at once.
    closed = asyncio.ensure_future(server.wait_closed())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        done, _ = await asyncio.wait({closed}, timeout=PATIENCE)
        if not done:
            for connection in connections:
                if connection.first is not None:
                    connection.first.abort()
            await closed
