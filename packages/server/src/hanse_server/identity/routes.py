"""Endpoints for tokens and passwords."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from hanse_core.wire.accounts import ChangedPassword, NodeTokens, PasswordChange, UserLogin, UserTokens, ValidUser
from hanse_server.accounts.models import User
from hanse_server.identity.service import Logins
from hanse_server.identity.sessions import Refreshes
from hanse_web.auth import DetachedLoggedIn, RefreshClaims, ShownUser
from hanse_web.origin import RequestOrigin
from hanse_web.work import ReadWork

router = APIRouter(tags=["identity"])


def _logins(request: Request) -> Logins:
    logins: Logins = request.app.state.logins
    return logins


def _refreshes(request: Request) -> Refreshes:
    refreshes: Refreshes = request.app.state.refreshes
    return refreshes


@router.post("/token/user")
async def log_in(
    body: UserLogin, logins: Annotated[Logins, Depends(_logins)], origin: RequestOrigin, response: Response
) -> UserTokens:
    """Log in as a user."""
    tokens = await logins.log_in(body.username, body.password, origin)
    response.headers["jwt-token"] = tokens.access_token
    return tokens


@router.post("/token/refresh")
async def refresh(
    claims: RefreshClaims, refreshes: Annotated[Refreshes, Depends(_refreshes)], origin: RequestOrigin
) -> UserTokens | NodeTokens:
    """Exchange a refresh token for a new pair of tokens; the old one is good for a moment longer, once."""
    return await refreshes.refresh(claims, origin)


@router.post("/token/user/validate")
def validate_user(work: ReadWork, actor: ShownUser) -> ValidUser:
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
    body: PasswordChange, actor: DetachedLoggedIn, logins: Annotated[Logins, Depends(_logins)], origin: RequestOrigin
) -> ChangedPassword:
    """Change one's own password; every session opened before ends, the answer holds tokens of a new one."""
    tokens = await logins.change_password(actor.name, body.current_password, body.new_password, origin)
    return ChangedPassword(msg="the password is changed; use the new tokens", **tokens.model_dump())
