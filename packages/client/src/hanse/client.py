"""The two clients. What they offer is the same and written once; see `hanse._modes`."""

from __future__ import annotations

import ssl
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa

from hanse._http import Session, Tokens, api_url
from hanse._modes import Awaiting, Blocking, M, TwoModes, finish, operation
from hanse._transports import AwaitingTransport, BlockingTransport, Transport
from hanse.encryption import sealer_of
from hanse.resources.collaborations import Collaborations
from hanse.resources.nodes import Nodes
from hanse.resources.organizations import Organizations
from hanse.resources.results import Results
from hanse.resources.roles import Roles
from hanse.resources.rules import Rules
from hanse.resources.runs import Runs
from hanse.resources.studies import Studies
from hanse.resources.tasks import Tasks
from hanse.resources.users import Users
from hanse.sign_on import log_in
from hanse_core import __version__
from hanse_core.crypto import keys
from hanse_core.crypto.sealer import EnvelopeSealer
from hanse_core.errors import Conflict, Unauthenticated
from hanse_core.wire.accounts import User

if TYPE_CHECKING:
    from typing_extensions import Self


class Api(TwoModes[M]):
    """Everything a user may ask of a server."""

    def __init__(self, session: Session, *, live: bool, awaiting: Api[Awaiting] | None = None) -> None:
        self.session = session
        self.live = live
        self.sealer: EnvelopeSealer | None = None
        self.awaiting = awaiting or self
        self.organizations: Organizations[M] = Organizations(self)
        self.users: Users[M] = Users(self)
        self.roles: Roles[M] = Roles(self)
        self.rules: Rules[M] = Rules(self)
        self.collaborations: Collaborations[M] = Collaborations(self)
        self.studies: Studies[M] = Studies(self)
        self.nodes: Nodes[M] = Nodes(self)
        self.tasks: Tasks[M] = Tasks(self)
        self.runs: Runs[M] = Runs(self)
        self.results: Results[M] = Results(self)

    @property
    def url(self) -> str:
        """The address of the API."""
        return str(self.session.url)

    def __repr__(self) -> str:
        who = f"user {self.session.tokens.user_id}" if self.session.tokens else "not logged in"
        return f"<{type(self).__name__} of {self.url}, {who}>"

    @operation
    async def login(self) -> User:
        """Log in now (else it happens with the first request), and give the user. Raises `Unauthenticated`."""
        await self.session.login()
        return await self.whoami()

    @operation
    async def providers(self) -> dict[str, str]:
        """Give the providers through which one can log in here: their names and what people call them."""
        listed = (await self.session.ask("GET", "oidc"))["data"]
        return {str(each["name"]): str(each["label"]) for each in listed}

    @operation
    async def log_in_with(
        self,
        provider: str,
        *,
        device: bool | None = None,
        open_browser: Callable[[str], object] = webbrowser.open,
        show: Callable[[str], None] = print,
        timeout: float = 600.0,
    ) -> User:
        """Log in at a provider of the server instead of with a password, and give the user.

        Args:
            provider: name of the provider, see `providers`.
            device: log in through a browser on any machine, by a code that is shown. By default that is so in
                notebooks, over SSH, and where there is no browser; else a browser is opened on this machine.
            open_browser: opens an address in a browser.
            show: shows a text, by default with `print`.
            timeout: seconds to wait for the browser.

        Raises:
            Unauthenticated: the provider, or the server, refuses the user, or nobody logged in in time.
            NotFound: the server knows no such provider.
        """
        ways: dict[str, Any] = {"device": device, "open_browser": open_browser, "show": show, "timeout": timeout}
        await log_in(self.session, provider, **ways)
        return await self.whoami()

    @operation
    async def whoami(self) -> User:
        """Give the user that is logged in."""
        tokens = await self.session.identity()
        return User.model_validate(await self.session.request("GET", f"user/{tokens.user_id}"))

    @operation
    async def version(self) -> dict[str, str]:
        """Give the versions that the server reports: `version` of the v4 interface, and `hanse` when it is one."""
        return {name: str(text) for name, text in (await self.session.version()).items()}

    @operation
    async def change_password(self, current: str, new: str) -> None:
        """Replace your password. Raises `Unauthenticated` when `current` is wrong, `Invalid` when `new` is weak."""
        await self.awaiting.whoami()  # Renews the tokens if need be, so that a 401 below is about the password.
        change = {"current_password": current, "new_password": new}
        await self.session.request("PATCH", "password/change", body=change, renew=False)
        self.session.credentials = None

    @operation
    async def setup_encryption(self, private_key: str | Path | rsa.RSAPrivateKey, *, replace: bool = False) -> str:
        """Use the private key of your organization, and publish its public half if none is published yet.

        Args:
            private_key: path of the PEM file, or the key.
            replace: publish this key even though another one is; what was sealed for that one stays closed.

        Returns:
            The fingerprint of the public key, to compare with the other members.

        Raises:
            Conflict: the organization has published another key.
            Invalid: the file cannot be read or is no RSA key.
            Denied: the key must be published and you may not change the organization.
        """
        sealer = sealer_of(private_key)
        user = await self.whoami()
        if user.organization is None:
            raise Unauthenticated("only members of an organization have a key")
        organization = await self.awaiting.organizations.get(user.organization.id)
        if organization.public_key and organization.public_key != sealer.public_key and not replace:
            raise Conflict(
                f"{organization.name} has published another key ({keys.fingerprint(organization.public_key)}); "
                f"this one is {keys.fingerprint(sealer.public_key)}. Use the right key, or replace=True"
            )
        if organization.public_key != sealer.public_key:
            change = {"public_key": sealer.public_key}
            await self.session.request("PATCH", f"organization/{organization.id}", body=change)
        self.sealer = sealer
        return keys.fingerprint(sealer.public_key)

    @operation
    async def close(self) -> None:
        """Close the connections to the server."""
        await self.session.transport.close()


class _Connected(Api[M]):
    """A client with a connection of its own."""

    _connect: Callable[..., Transport]

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str | None = None,
        *,
        mfa_code: str | None = None,
        tokens: Tokens | None = None,
        keep: Callable[[Tokens], None] | None = None,
        kept: Callable[[], Tokens | None] | None = None,
        verify: str | Path | ssl.SSLContext | bool = True,
        retry_for: float = 30.0,
        live: bool = True,
        transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: address of the server, such as `https://hanse.example.org`. Without a path, `/api` is added.
            username, password: exchanged for tokens with the first request, and again when these expire.
            mfa_code: the six digits of your second factor, where the server asks for one.
            tokens: of an earlier login, instead of a password; see `from_profile`.
            keep: called with new tokens.
            kept: gives the tokens that `keep` stored last, perhaps in another process.
            verify: file with the certificate authorities to trust (default: those of the machine), or an SSL context.
            retry_for: seconds to try again when the connection fails; a server never met gets 2 seconds.
            live: listen to live events while waiting, if the extra `events` is installed.
            transport: another way to send, for tests.

        Raises:
            Invalid: the address is none.
        """
        credentials = None
        if username is not None and password is not None:
            credentials = {"username": username, "password": password} | ({"mfa_code": mfa_code} if mfa_code else {})
        session = Session(
            api_url(url),
            self._connect(transport, verify=_trust(verify), headers={"User-Agent": f"hanse-client/{__version__}"}),
            retry_for=retry_for,
            credentials=credentials,
            tokens=tokens,
            keep=keep,
            kept=kept,
        )
        twin = None if isinstance(session.transport, AwaitingTransport) else Api[Awaiting](session, live=live)
        super().__init__(session, live=live, awaiting=twin)

    @classmethod
    def from_profile(cls, name: str = "default", **options: Any) -> Self:
        """Give a client with the login that `hanse login` stored; `options` are those of the client itself.

        Raises `Unauthenticated` when there is no such login.
        """
        from hanse.profiles import load, saver, stored_tokens

        profile = load(name)
        stored = {
            "tokens": profile.tokens,
            "keep": saver(name, profile),
            "kept": lambda: stored_tokens(name),
            "verify": profile.ca_file or True,
        }
        return cls(profile.url, **{**stored, **options})


class Client(_Connected[Blocking]):
    """The client whose operations return their result. It works in scripts and in notebooks.

    >>> with Client("http://127.0.0.1:5000", "alice", "…") as client:
    ...     for organization in client.organizations.list():
    ...         print(organization.name)
    """

    _connect = BlockingTransport

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        finish(self.session.transport.close())


class AsyncClient(_Connected[Awaiting]):
    """The client whose operations are awaited, so that several can go on at the same time.

    >>> async with AsyncClient("http://127.0.0.1:5000", "alice", "…") as client:
    ...     for organization in await client.organizations.list():
    ...         print(organization.name)
    """

    _connect = AwaitingTransport

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.session.transport.close()


def _trust(verify: str | Path | ssl.SSLContext | bool) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=verify) if isinstance(verify, (str, Path)) else verify
