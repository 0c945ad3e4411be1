"""The two clients. What they offer is the same and written once; see `hanse._modes`."""

from __future__ import annotations

import ssl
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa

from hanse._http import Session, api_url
from hanse._login import Ask, Forgetful, Keeper, Tokens, somebody
from hanse._modes import Awaiting, Blocking, M, TwoModes, finish, operation
from hanse._resource import body
from hanse._transports import AwaitingTransport, BlockingTransport, Transport
from hanse.encryption import known_keys, sealer_of
from hanse.resources.algorithm_stores import AlgorithmStores
from hanse.resources.collaborations import Collaborations
from hanse.resources.invitations import Invitations, UserInvitations
from hanse.resources.logins import AccessTokens, Sessions
from hanse.resources.nodes import Nodes
from hanse.resources.organizations import Organizations
from hanse.resources.results import Results
from hanse.resources.roles import Roles
from hanse.resources.rules import Rules
from hanse.resources.runs import Runs
from hanse.resources.security import Recovery, SecondFactor
from hanse.resources.studies import Studies
from hanse.resources.tasks import Tasks
from hanse.resources.users import Users
from hanse.sign_on import link, log_in
from hanse_core import __version__
from hanse_core.crypto import keys
from hanse_core.crypto.known_keys import KnownKeys
from hanse_core.crypto.sealer import EnvelopeSealer
from hanse_core.errors import Conflict, Invalid, Unauthenticated
from hanse_core.wire.accounts import LogOut, User
from hanse_core.wire.sso import ExternalIdentity

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
        self.algorithm_stores: AlgorithmStores[M] = AlgorithmStores(self)
        self.invitations: Invitations[M] = Invitations(self)
        self.user_invitations: UserInvitations[M] = UserInvitations(self)
        self.tasks: Tasks[M] = Tasks(self)
        self.runs: Runs[M] = Runs(self)
        self.results: Results[M] = Results(self)
        self.sessions: Sessions[M] = Sessions(self)
        self.access_tokens: AccessTokens[M] = AccessTokens(self)
        self.second_factor: SecondFactor[M] = SecondFactor(self)
        self.recovery: Recovery[M] = Recovery(self)

    @property
    def url(self) -> str:
        """The address of the API."""
        return str(self.session.url)

    @property
    def known_keys(self) -> KnownKeys:
        """The public keys of organizations as they were first seen at this server, for which inputs are sealed.

        One that changes is refused with `KeyChanged`, until `known_keys.trust(organization_id, fingerprint)` or
        `hanse key trust` confirms it.
        """
        return known_keys(self.url)

    def __repr__(self) -> str:
        tokens = self.session.tokens
        who = "not logged in" if tokens is None else f"user {tokens.user_id}" if tokens.user_id else "access token"
        return f"<{type(self).__name__} of {self.url}, {who}>"

    @operation
    async def login(self) -> User:
        """Log in now (else it happens with the first request), and give the user.

        Where the server wants a second factor and no `mfa_code` was given, it is asked for on a terminal or in a
        notebook. Who has none yet is shown one to set up.

        Raises:
            Unauthenticated: username, password or code is wrong, or none was given.
            SecondFactorNeeded: a code is wanted and nobody can be asked; `setup` holds the second factor to set up.
        """
        await self.session.login()
        return await self.whoami()

    @operation
    async def logout(self, *, everywhere: bool = False) -> None:
        """End this login at the server, and forget it here; with `everywhere` all of your logins.

        A server of v4 ends nothing: there, tokens end by themselves. Raises `Denied` for a personal access token,
        which is ended by `access_tokens.revoke`.
        """
        self.session.credentials = None
        if self.session.tokens is None:
            return
        with suppress(Unauthenticated):  # It is over already.
            if await self.session.is_hanse():
                await self.session.request("POST", "token/revoke", body=body(LogOut, all=everywhere))
        self.session.forget()

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
            SecondFactorNeeded: a code is wanted on top, and nobody can be asked for it.
            NotFound: the server knows no such provider.
        """
        ways: dict[str, Any] = {"device": device, "open_browser": open_browser, "show": show, "timeout": timeout}
        await log_in(self.session, provider, **ways)
        return await self.whoami()

    @operation
    async def link_with(
        self,
        provider: str,
        *,
        password: str | None = None,
        open_browser: Callable[[str], object] = webbrowser.open,
        show: Callable[[str], None] = print,
        timeout: float = 600.0,
    ) -> ExternalIdentity:
        """Show as whom a provider knows you, in order to log in through it from then on.

        Args:
            provider: name of the provider, see `providers`.
            password: your own, if you have one.
            open_browser, show, timeout: as for `log_in_with`; it takes a browser on this machine.

        Raises:
            Unauthenticated: the password is wrong, the provider refuses, or nobody logged in there in time.
            Invalid: the password is missing, or somebody else is linked to that person.
        """
        ways: dict[str, Any] = {"open_browser": open_browser, "show": show, "timeout": timeout}
        return ExternalIdentity.model_validate(await link(self.session, provider, password, **ways))

    @operation
    async def whoami(self) -> User:
        """Give the user that is logged in."""
        tokens = await self.session.identity()
        return User.model_validate(await self.session.request("GET", f"user/{tokens.user_id or 'me'}"))

    @operation
    async def version(self) -> dict[str, str]:
        """Give the versions that the server reports: `version` of the v4 interface, and `hanse` when it is one."""
        return {name: str(text) for name, text in (await self.session.version()).items()}

    @operation
    async def health(self) -> dict[str, bool]:
        """Tell whether the parts of the server are well, such as its `database`."""
        return {name: bool(is_well) for name, is_well in (await self.session.ask("GET", "health")).items()}

    @operation
    async def change_password(self, current: str, new: str) -> None:
        """Replace your password; all your other logins end, and access tokens too.

        Raises `Unauthenticated` when `current` is wrong, `Invalid` when `new` is weak.
        """
        await self.awaiting.whoami()  # Renews the tokens if need be, so that a 401 below is about the password.
        change = {"current_password": current, "new_password": new}
        answer = await self.session.request("PATCH", "password/change", body=change, renew=False)
        self.session.credentials = None
        if "access_token" in answer:
            self.session.accept(answer)

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
        pin = self.known_keys.all().get(organization.id)
        if pin is None or pin.key != sealer.public_key:
            self.known_keys.put(organization.id, sealer.public_key, organization.name)
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
        token: str | None = None,
        tokens: Tokens | None = None,
        keep: Callable[[Tokens], None] | Keeper | None = None,
        ask: Ask | None = None,
        verify: str | Path | ssl.SSLContext | bool = True,
        retry_for: float = 30.0,
        live: bool = True,
        transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: address of the server, such as `https://hanse.example.org`. Without a path, `/api` is added.
            username, password: exchanged for tokens with the first request, and again when these expire.
            mfa_code: a code of your second factor, where the server wants one. It works for one login.
            token: a personal access token (`hanse_pat_…`) instead of username and password.
            tokens: of an earlier login, instead of a password; see `from_profile`.
            keep: called with new tokens. Only the newest refresh token works.
            ask: asks for such a code, given the question; by default on a terminal or in a notebook, else nobody is
                asked.
            verify: file with the certificate authorities to trust (default: those of the machine), or an SSL context.
            retry_for: seconds to try again when the connection fails; a server never met gets 2 seconds.
            live: listen to live events while waiting, if the extra `events` is installed.
            transport: another way to send, for tests.

        Raises:
            Invalid: the address is none, or there are two ways to log in.
        """
        if token is not None:
            if username is not None or tokens is not None:
                raise Invalid("give either a token, or username and password")
            tokens = Tokens.personal(token)
        credentials = None
        if username is not None and password is not None:
            credentials = {"username": username, "password": password} | ({"mfa_code": mfa_code} if mfa_code else {})
        session = Session(
            api_url(url),
            self._connect(transport, verify=_trust(verify), headers={"User-Agent": f"hanse-client/{__version__}"}),
            retry_for=retry_for,
            credentials=credentials,
            tokens=tokens,
            keeper=Forgetful(keep) if keep is None or callable(keep) else keep,
            ask=ask or somebody(),
        )
        twin = None if isinstance(session.transport, AwaitingTransport) else Api[Awaiting](session, live=live)
        super().__init__(session, live=live, awaiting=twin)

    @classmethod
    def from_profile(cls, name: str = "default", **options: Any) -> Self:
        """Give a client with the login that `hanse login` stored; `options` are those of the client itself.

        Raises `Unauthenticated` when there is no such login.
        """
        from hanse.profiles import Kept, load

        profile = load(name)
        kept = {"tokens": profile.tokens, "keep": Kept(name, profile), "verify": profile.ca_file or True}
        return cls(profile.url, **{**kept, **options})


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
