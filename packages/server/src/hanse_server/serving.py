"""Listening on a port, and running the application there in one process until it is told to stop."""

import errno
import signal
import socket as sockets

import structlog
import uvicorn
from fastapi import FastAPI

from hanse_core.errors import Invalid
from hanse_server.live.guard import EVENT_BYTES
from hanse_server.live.server import Live
from hanse_web.arrivals import Arrivals
from hanse_web.lean import settle

GRACE_SECONDS = 5

log = structlog.get_logger()


def listen(address: str, port: int) -> sockets.socket:
    """Take a port. Raises `Invalid` with the remedy when that is not possible."""
    family = sockets.AF_INET6 if ":" in address else sockets.AF_INET
    taken = sockets.socket(family, sockets.SOCK_STREAM)
    taken.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        taken.bind((address, port))
        taken.listen(1024)
    except OSError as error:
        taken.close()
        raise Invalid(_explain(error, address, port)) from error
    return taken


def _explain(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {address} is in use by another program; stop that one, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} is reserved for the administrator of this machine; choose one above 1023 with --port"
    return f"cannot listen on {address} port {port}: {error.strerror}; set `ip` to one of this machine"


class _Server(uvicorn.Server):
    def __init__(self, live: Live, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url
        self._live = live

    async def startup(self, sockets: list[sockets.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            settle()
            log.info("server-started", url=self._url)

    async def shutdown(self, sockets: list[sockets.socket] | None = None) -> None:
        """End what is held open, which would otherwise be waited for, and then the server."""
        await self._live.drain()
        await super().shutdown(sockets)


def configure(app: FastAPI) -> uvicorn.Config:
    """Say how the server library is to listen for the application."""
    return uvicorn.Config(
        app,
        http=Arrivals,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=EVENT_BYTES,
        proxy_headers=False,  # `trusted_proxies` says whom to believe
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def serve(app: FastAPI, socket: sockets.socket, api_path: str) -> int:
    """Serve until SIGTERM or Ctrl-C; give the exit code."""
    host, port = socket.getsockname()[:2]
    server = _Server(app.state.live, configure(app), f"http://{f'[{host}]' if ':' in host else host}:{port}{api_path}")
    # The server library stops on these signals and then raises them again, which would turn a clean end into a kill.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    server.run(sockets=[socket])
    log.info("server-stopped")
    return 0 if server.started else 1
