"""From the bearer token of a request to the actor behind it."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from hanse_core.errors import Denied, Malformed, Unauthenticated, WrongIdentity
from hanse_web.access import Actor, ActorLoader, ContainerActor, NodeActor, UserActor
from hanse_web.clock import Clock
from hanse_web.work import Work, Works

ALGORITHM = "HS256"
PERSONAL_PREFIX = "hanse_pat_"
"""How personal access tokens begin, so that people and scanners recognise them."""
PERSONAL = "personal"
CHECKED = 5_000
"""Tokens whose signature is known to be right; with one more, all are checked again."""
TokenType = Literal["access", "refresh", "validate"]
"""What a token is for; `validate` ones only prove to a third party who sent them, and nothing else."""


class Tokens:
    """Signs and checks JSON web tokens with v4's claims."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._checked: dict[str, dict[str, Any]] = {}

    def issue(
        self,
        subject: int | Mapping[str, Any],
        client_type: str,
        kind: TokenType = "access",
        life: timedelta | None = None,
        **claims: Any,
    ) -> str:
        """Sign a token; without `life` it does not expire. `sub` is an integer, or an object for containers."""
        now = int(self._clock.now().timestamp())
        payload: dict[str, Any] = {
            "fresh": False,
            "iat": now,
            "nbf": now,
            "jti": str(uuid.uuid4()),
            "type": kind,
            "sub": subject,
            "csrf": str(uuid.uuid4()),
            "client_type": client_type,
            "roles": [],
            **claims,
        }
        if life is not None:
            payload["exp"] = now + int(life.total_seconds())
        return jwt.encode(payload, self._secret, algorithm=ALGORITHM)

    def read(self, token: str, *kinds: TokenType) -> dict[str, Any]:
        """Check a token of one of these kinds (by default `access`) and give its claims.

        Raises `Unauthenticated` (expired) or `Malformed` (anything else)."""
        claims = self._checked.get(token) or self._verified(token)
        self._check_times(claims)
        wanted = kinds or ("access",)
        if claims.get("type", "access") not in wanted:
            raise Malformed(f"this endpoint takes a token of type {' or '.join(wanted)}, not {claims.get('type')}")
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        try:
            # Subjects are integers and objects on this wire, which the library's own check refuses; times are
            # checked below against our clock.
            options: Any = {"verify_sub": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
            claims = jwt.decode(token, self._secret, algorithms=[ALGORITHM], options=options)
        except jwt.InvalidTokenError as error:
            raise Malformed(f"the token cannot be accepted: {error}") from error
        if len(self._checked) >= CHECKED:
            self._checked.clear()
        self._checked[token] = claims
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        try:
            end, start = float(claims.get("exp", "inf")), float(claims.get("nbf", 0))
        except (TypeError, ValueError) as error:
            raise Malformed("the times in the token are not numbers") from error
        if end <= now:
            raise Unauthenticated("the token has expired; log in again or refresh it")
        if start > now:
            raise Unauthenticated("the token is not valid yet; is the clock of this machine right?")


def bearer(request: HTTPConnection) -> str:
    """Take the bearer token out of the request's header."""
    header = request.headers.get("authorization")
    if not header:
        raise Unauthenticated("the Authorization header is missing; log in and send 'Bearer <token>'")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("the Authorization header must be of the form 'Bearer <token>'")
    if not token.strip():
        raise Malformed("the Authorization header holds no token after 'Bearer'")
    return token.strip()


class _Bearer(HTTPBearer):
    """Gives the claims of the bearer token, with better errors than the library's, which describes it for OpenAPI."""

    def __init__(self, *kinds: TokenType) -> None:
        super().__init__(auto_error=False, bearerFormat="JWT", scheme_name="HTTPBearer")
        self._kinds = kinds

    async def __call__(self, request: HTTPConnection) -> Any:
        tokens: Tokens = request.app.state.tokens
        token = bearer(request)
        if token.startswith(PERSONAL_PREFIX) and self._kinds == ("access",):
            # Who it speaks for is in the database; what is read here is never taken for a signed claim.
            return {"client_type": PERSONAL, "token": token}
        return tokens.read(token, *self._kinds)


Claims = Annotated[Mapping[str, Any], Depends(_Bearer("access"))]
RefreshClaims = Annotated[dict[str, Any], Depends(_Bearer("refresh"))]
"""The claims of a request that is made with a refresh token."""
ShownClaims = Annotated[Mapping[str, Any], Depends(_Bearer("access", "validate"))]


async def _actor(request: Request, claims: Claims) -> Actor:
    """Find out who is asking, in a transaction of its own if at all: it is over when the handler's begins."""
    works: Works = request.app.state.works
    token, epoch = bearer(request), works.known.epoch
    actor = works.known.find(token)
    if actor is None:
        actor = await works.run(_look_up, request.app.state.actor_loaders, claims, write=False)
        works.known.keep(token, actor, epoch)
    request.app.state.seen(actor, works.clock.now())
    return actor


def _look_up(work: Work, loaders: Mapping[str, ActorLoader], claims: Mapping[str, Any]) -> Actor:
    loader = loaders.get(str(claims.get("client_type")))
    if loader is None:
        raise Malformed("the token does not say which kind of identity it is for")
    actor = loader(work.session, claims)
    if actor is None:
        raise Unauthenticated("the identity of this token no longer exists, or the token was revoked")
    return actor


async def authenticate(request: Request) -> Actor:
    """Find out who asks, where that must be known before the handler can be called."""
    return await _actor(request, await _Bearer("access")(request))


async def _shown_actor(request: Request, claims: ShownClaims) -> Actor:
    return await _actor(request, claims)


AnyActor = Annotated[Actor, Depends(_actor)]
DetachedActor = AnyActor
"""For handlers that open their transactions themselves; nothing but a hint to who reads them."""


def require_user(actor: Actor) -> UserActor:
    """Refuse whoever is not a user."""
    if not isinstance(actor, UserActor):
        raise WrongIdentity("this endpoint is for users only")
    return actor


def require_node(actor: Actor) -> NodeActor:
    """Refuse whoever is not a node."""
    if not isinstance(actor, NodeActor):
        raise WrongIdentity("this endpoint is for nodes only")
    return actor


async def _user(actor: AnyActor) -> UserActor:
    return require_user(actor)


async def _shown_user(actor: Annotated[Actor, Depends(_shown_actor)]) -> UserActor:
    return require_user(actor)


async def _shown_node(actor: Annotated[Actor, Depends(_shown_actor)]) -> NodeActor:
    return require_node(actor)


def require_login(actor: UserActor) -> UserActor:
    """Refuse a personal access token, which must not be able to change how its owner logs in."""
    if actor.token_id is not None:
        raise Denied("a personal access token cannot do this; log in")
    return actor


async def _logged_in(actor: AnyActor) -> UserActor:
    return require_login(require_user(actor))


async def _node(actor: AnyActor) -> NodeActor:
    return require_node(actor)


async def _user_or_node(actor: AnyActor) -> UserActor | NodeActor:
    if not isinstance(actor, UserActor | NodeActor):
        raise WrongIdentity("this endpoint is for users and nodes, not for algorithm containers")
    return actor


def require_user_or_container(actor: Actor) -> UserActor | ContainerActor:
    """Refuse nodes."""
    if not isinstance(actor, UserActor | ContainerActor):
        raise WrongIdentity("this endpoint is for users and algorithm containers, not for nodes")
    return actor


async def _user_or_container(actor: AnyActor) -> UserActor | ContainerActor:
    return require_user_or_container(actor)


async def _container(actor: AnyActor) -> ContainerActor:
    if not isinstance(actor, ContainerActor):
        raise WrongIdentity("this endpoint is for algorithm containers only")
    return actor


# The permission of an endpoint is the type of its parameter.
AnyUser = Annotated[UserActor, Depends(_user)]
DetachedUser = AnyUser
LoggedIn = Annotated[UserActor, Depends(_logged_in)]
"""A user who has logged in, for what concerns passwords, second factors, sessions and tokens."""
DetachedLoggedIn = LoggedIn
ShownUser = Annotated[UserActor, Depends(_shown_user)]
"""A user whose token a third party was shown; with tokens that are good for nothing else, too."""
ShownNode = Annotated[NodeActor, Depends(_shown_node)]
AnyNode = Annotated[NodeActor, Depends(_node)]
DetachedNode = AnyNode
UserOrNode = Annotated[UserActor | NodeActor, Depends(_user_or_node)]
AnyContainer = Annotated[ContainerActor, Depends(_container)]
UserOrContainer = Annotated[UserActor | ContainerActor, Depends(_user_or_container)]
DetachedUserOrContainer = UserOrContainer
