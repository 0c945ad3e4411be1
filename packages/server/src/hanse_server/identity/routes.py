"""Endpoints for tokens and passwords."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from hanse_core.wire.accounts import NodeTokens, UserLogin, UserTokens
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.service import Logins, Refreshes
from hanse_web.auth import RefreshClaims
from hanse_web.work import RequestWork

router = APIRouter(tags=["identity"])


def _logins(request: Request) -> Logins:
    logins: Logins = request.app.state.logins
    return logins


def _pairs(request: Request) -> TokenPairs:
    pairs: TokenPairs = request.app.state.pairs
    return pairs


@router.post("/token/user")
async def log_in(body: UserLogin, logins: Annotated[Logins, Depends(_logins)], response: Response) -> UserTokens:
    """Log in as a user."""
    tokens = await logins.log_in(body.username, body.password)
    response.headers["jwt-token"] = tokens.access_token
    return tokens


@router.post("/token/refresh")
def refresh(
    work: RequestWork, claims: RefreshClaims, pairs: Annotated[TokenPairs, Depends(_pairs)]
) -> UserTokens | NodeTokens:
    """Exchange a refresh token for a new pair of tokens."""
    return Refreshes(work, pairs).refresh(claims.get("sub"), claims.get("ver", 0))
