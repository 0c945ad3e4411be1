"""Endpoints for tokens and passwords."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from hanse_core.wire.accounts import ChangedPassword, NodeTokens, PasswordChange, UserLogin, UserTokens, ValidUser
from hanse_server.accounts.models import User
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.service import Logins, Refreshes
from hanse_web.auth import DetachedUser, RefreshClaims
from hanse_web.work import ReadWork

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
    work: ReadWork, claims: RefreshClaims, pairs: Annotated[TokenPairs, Depends(_pairs)]
) -> UserTokens | NodeTokens:
    """Exchange a refresh token for a new pair of tokens."""
    return Refreshes(work, pairs).refresh(claims)


@router.post("/token/user/validate")
def validate_user(work: ReadWork, actor: DetachedUser) -> ValidUser:
    """Tell a third party, such as an algorithm store, whose token it was shown."""
    email = work.session.scalars(select(User.email).where(User.id == actor.id)).one()
    return ValidUser(
        msg="the token is valid",
        user_id=actor.id,
        username=actor.name,
        email=email,
        organization_id=actor.organization_id,
    )


@router.patch("/password/change")
async def change_password(
    body: PasswordChange, actor: DetachedUser, logins: Annotated[Logins, Depends(_logins)]
) -> ChangedPassword:
    """Change one's own password; every token issued before stops working, the answer holds new ones."""
    tokens = await logins.change_password(actor.name, body.current_password, body.new_password)
    return ChangedPassword(msg="the password is changed; use the new tokens", **tokens.model_dump())
