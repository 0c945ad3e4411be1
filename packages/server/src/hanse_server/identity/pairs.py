"""The pair of tokens with which a user or node stays logged in."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hanse_core.wire.accounts import NodeTokens, UserTokens
from hanse_server.settings.sessions import SessionLimits
from hanse_web.access import Actor, UserActor
from hanse_web.auth import Tokens
from hanse_web.links import Links

STORE_LIFE = timedelta(minutes=2)


class TokenPairs:
    """Issues access and refresh tokens; raising an identity's token version ends all that were issued before."""

    def __init__(
        self,
        tokens: Tokens,
        links: Links,
        access_life: timedelta,
        refresh_life: timedelta,
        limits: SessionLimits | None = None,
    ) -> None:
        self._tokens = tokens
        self._links = links
        self._access_life = access_life
        self.refresh_life = refresh_life
        self.limits = limits or SessionLimits()

    def for_user(
        self, user_id: int, version: int, roles: Sequence[str], session_id: str, generation: int, left: timedelta
    ) -> UserTokens:
        """Give the tokens of a session that lasts no longer than `left`; the role names only inform.

        Use `Sessions.open`, which calls this.
        """
        claims = {"ver": version, "roles": list(roles), "sid": session_id}
        access = self._tokens.issue(user_id, "user", "access", min(self._access_life, left), **claims)
        life = min(self.refresh_life, left)
        refresh = self._tokens.issue(user_id, "user", "refresh", life, **claims, gen=generation)
        return UserTokens(
            access_token=access,
            refresh_token=refresh,
            refresh_url=self._links.path("token", "refresh"),
            user_url=self._links.path("user", user_id),
        )

    def for_store(self, actor: Actor) -> str:
        """Give a token that proves to an algorithm store who asks (for a container: its node), and opens nothing else.

        The store presents it at `/token/user/validate` or `/token/node/validate`, within a few minutes.
        """
        claims: dict[str, Any] = {"ver": actor.token_version}
        if not isinstance(actor, UserActor):
            return self._tokens.issue(actor.id, "node", "validate", STORE_LIFE, **claims)
        if actor.session_id is not None:
            claims["sid"] = actor.session_id
        return self._tokens.issue(actor.id, "user", "validate", STORE_LIFE, **claims)

    def for_node(self, node_id: int, version: int) -> NodeTokens:
        """Log a node in."""
        claims = {"ver": version}
        return NodeTokens(
            access_token=self._tokens.issue(node_id, "node", "access", self._access_life, **claims),
            refresh_token=self._tokens.issue(node_id, "node", "refresh", self.refresh_life, **claims),
            refresh_url=self._links.path("token", "refresh"),
            node_url=self._links.path("node", node_id),
        )
