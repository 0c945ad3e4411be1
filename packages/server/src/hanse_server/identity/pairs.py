"""The pair of tokens with which a user or node stays logged in."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from hanse_core.wire.accounts import NodeTokens, UserTokens
from hanse_web.auth import Tokens
from hanse_web.links import Links

Kind = Literal["user", "node"]


class TokenPairs:
    """Issues access and refresh tokens; raising an identity's token version ends all that were issued before."""

    def __init__(self, tokens: Tokens, links: Links, access_life: timedelta, refresh_life: timedelta) -> None:
        self._tokens = tokens
        self._links = links
        self._access_life = access_life
        self._refresh_life = refresh_life

    def for_user(self, user_id: int, version: int, roles: Sequence[str]) -> UserTokens:
        """Log a user in; the role names inside the tokens only inform."""
        access, refresh = self._pair("user", user_id, version, roles)
        return UserTokens(
            access_token=access,
            refresh_token=refresh,
            refresh_url=self._links.path("token", "refresh"),
            user_url=self._links.path("user", user_id),
        )

    def for_node(self, node_id: int, version: int) -> NodeTokens:
        """Log a node in."""
        access, refresh = self._pair("node", node_id, version, ())
        return NodeTokens(
            access_token=access,
            refresh_token=refresh,
            refresh_url=self._links.path("token", "refresh"),
            node_url=self._links.path("node", node_id),
        )

    def _pair(self, kind: Kind, key: int, version: int, roles: Sequence[str]) -> tuple[str, str]:
        claims = {"ver": version, "roles": list(roles)}
        return (
            self._tokens.issue(key, kind, "access", self._access_life, **claims),
            self._tokens.issue(key, kind, "refresh", self._refresh_life, **claims),
        )
