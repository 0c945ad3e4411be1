"""One Unix socket per run, all served by this process.

uvicorn's protocol is used without its server: that would wake up ten times a second for each run.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from hanse_node.proxy.app import Endpoints, RunApp
from hanse_node.proxy.relay import News, Relay, ServedRun, Server
from hanse_node.vault import Vault


@dataclass(frozen=True, slots=True)
class _Listener:
    server: asyncio.AbstractServer
    state: ServerState
    path: Path


class Proxy:
    """Opens and closes the sockets of runs."""

    def __init__(self, server: Server, vault: Vault, collaboration_id: int, secret: bytes, news: News) -> None:
        self._relay = Relay(server, news)
        self._app = Endpoints(self._relay, vault, collaboration_id).app()
        self._secret = secret
        self._listeners: dict[int, _Listener] = {}

    async def open(self, run: ServedRun, path: Path, server_token: str | None = None) -> None:
        """Serve a run at this path; a socket that an earlier process left there is replaced."""
        if run.run_id in self._listeners:
            return
        if server_token is not None:
            self._relay.lend(run.run_id, server_token)
        _unlink(path)
        state = ServerState()
        config = _config(RunApp(self._app, run, self._secret))
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: H11Protocol(config=config, server_state=state, app_state={}), path=str(path), start_serving=False
        )
        # Known before the first real await, so that a cancellation in it cannot leave the socket behind.
        self._listeners[run.run_id] = _Listener(server, state, path)
        await server.start_serving()

    async def close(self, run_id: int) -> None:
        """Stop serving a run and end what is under way for it; its token is worth nothing from now on."""
        listener = self._listeners.pop(run_id, None)
        self._relay.drop(run_id)
        if listener is None:
            return
        listener.server.close()
        for connection in list(listener.state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)
        tasks = list(listener.state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _unlink(listener.path)

    async def close_all(self) -> None:
        for run_id in list(self._listeners):
            await self.close(run_id)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _config(app: ASGIApp) -> Config:
    config = Config(
        app, http=H11Protocol, ws="none", lifespan="off", interface="asgi3",
        log_config=None, access_log=False, proxy_headers=False, server_header=False, date_header=False,
    )  # fmt: skip
    config.load()
    return config
