"""SSH tunnels: one connection to each server, made when a run first needs it, and made anew when it broke."""

import asyncio

import asyncssh

from hanse_node.egress.dialling import SECONDS, Dialled, NoAnswer
from hanse_node.threads import in_thread
from hanse_node.tunnel_settings import Tunnel

KEEPALIVE_SECONDS, KEEPALIVE_COUNT = 10, 3


class SshTunnel:
    """Connects to the destination of one tunnel."""

    def __init__(self, settings: Tunnel) -> None:
        self._settings = settings
        self._connection: asyncssh.SSHClientConnection | None = None
        self._connecting = asyncio.Lock()

    async def connect(self) -> Dialled:
        """Give a new connection through the tunnel. Raises `NoAnswer`."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._through()
        except TimeoutError:
            raise NoAnswer(f"the SSH server {self._server} does not answer within {SECONDS:.0f} s") from None

    async def close(self) -> None:
        """End the connection to the server, and with it all that goes through."""
        if self._connection is not None:
            self._connection.abort()
            await self._connection.wait_closed()
            self._connection = None

    @property
    def _server(self) -> str:
        return f"{self._settings.ssh.host}:{self._settings.ssh.port}"

    async def _through(self) -> Dialled:
        end = self._settings.tunnel.dest
        while True:
            connection = await self._connected()
            try:
                line = await connection.open_connection(end.ip, end.port)
            except asyncssh.Error as error:
                if connection.is_closed():  # It broke just now: whether it can be made anew, the next round tells.
                    continue
                raise NoAnswer(
                    f"the SSH server {self._server} does not connect to {end.ip}:{end.port} ({error.reason}): "
                    "something must listen there, and the server must permit it (AllowTcpForwarding, PermitOpen)"
                ) from error
            return Dialled(line, f"tunnel {self._settings.hostname}", str(self._settings))

    async def _connected(self) -> asyncssh.SSHClientConnection:
        async with self._connecting:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._log_in()
            return self._connection

    async def _log_in(self) -> asyncssh.SSHClientConnection:
        """Connect with the one key of ours, to the one key of theirs. Raises `NoAnswer` with cause and remedy."""
        ssh = self._settings.ssh
        try:
            own_key = await in_thread(asyncssh.read_private_key, str(ssh.identity.key))
            host_key = asyncssh.import_public_key(ssh.fingerprint)
        except (OSError, ValueError) as error:
            cause = error.strerror if isinstance(error, OSError) else str(error)
            raise NoAnswer(
                f"a key of the tunnel {self._settings.hostname} cannot be used: {cause} (ssh.identity.key "
                f"{ssh.identity.key} must be a private key without passphrase, ssh.fingerprint the server's public key)"
            ) from error
        try:
            return await asyncssh.connect(
                ssh.host, ssh.port, username=ssh.identity.username, client_keys=[own_key],
                known_hosts=([host_key], [], []), config=None, agent_path=None, preferred_auth="publickey",
                keepalive_interval=KEEPALIVE_SECONDS, keepalive_count_max=KEEPALIVE_COUNT,
            )  # fmt: skip
        except asyncssh.HostKeyNotVerifiable as error:
            raise NoAnswer(
                f"the SSH server {self._server} shows another key than ssh.fingerprint of the tunnel "
                f"{self._settings.hostname}; nothing was sent to it. Ask its administrator: if the key was changed, "
                f"write the new one there (ssh-keyscan -p {ssh.port} {ssh.host}); if not, somebody is in between"
            ) from error
        except asyncssh.PermissionDenied as error:
            raise NoAnswer(
                f"the SSH server {self._server} does not let {ssh.identity.username} in with the key "
                f"{ssh.identity.key}: its public half must be in authorized_keys there"
            ) from error
        except (OSError, asyncssh.Error) as error:
            raise NoAnswer(f"the SSH server {self._server} cannot be used: {error}") from error
