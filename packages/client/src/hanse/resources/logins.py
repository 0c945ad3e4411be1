"""Your own logins: the sessions that are open, and tokens for scripts."""

from __future__ import annotations

from collections.abc import Sequence

from hanse._modes import M, operation
from hanse._resource import Listed, Resource, body
from hanse_core.wire.accounts import AccessToken, AccessTokenCreate, LoginSession


class Sessions(Resource[M]):
    """`client.sessions`: where you are logged in"""

    @operation
    async def list(self) -> Listed[LoginSession]:
        """List your open sessions, the newest first; `is_current` marks the one that asks."""
        return [LoginSession.model_validate(item) for item in (await self._send("GET", "session"))["data"]]

    @operation
    async def end(self, id: str) -> None:
        """End a session; its tokens stop working at once. Raises `NotFound`. For this one see `client.logout`."""
        await self._send("DELETE", f"session/{id}")


class AccessTokens(Resource[M]):
    """`client.access_tokens`: personal access tokens, with which scripts log in as you"""

    @operation
    async def list(self) -> Listed[AccessToken]:
        """List your tokens that have not ended, the newest first; the tokens themselves are not shown again."""
        return [AccessToken.model_validate(item) for item in (await self._send("GET", "accesstoken"))["data"]]

    @operation
    async def create(
        self, name: str, *, read_only: bool = False, rules: Sequence[int] = (), days: float = 30
    ) -> AccessToken:
        """Make a token for a script. Its attribute `token` is shown only now; keep it like a password.

        Args:
            name: tells you later which one it is.
            read_only: with all of your rules that only look.
            rules: instead, ids of those of your rules that it is to have (see `client.rules.list(user_id=…)`).
            days: how long it is good for.

        Raises:
            Invalid: neither or both of `read_only` and `rules`, or longer than the server allows.
            Denied: you are logged in with such a token yourself.

        >>> made = client.access_tokens.create("nightly report", read_only=True, days=90)
        >>> Client("https://hanse.example.org", token=made.token)
        """
        fields = body(AccessTokenCreate, name=name, read_only=read_only, rules=[*rules] or None, days=days)
        return await self._one(AccessToken, "POST", "accesstoken", fields)

    @operation
    async def revoke(self, id: int) -> None:
        """End a token at once. Raises `NotFound`."""
        await self._send("DELETE", f"accesstoken/{id}")
