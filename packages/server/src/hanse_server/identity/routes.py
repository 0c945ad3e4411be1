"""Endpoints for tokens and passwords."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from hanse_core.wire.accounts import ChangedPassword, NodeTokens, PasswordChange, UserLogin, UserTokens, ValidUser
from hanse_core.wire.base import Message
from hanse_core.wire.recovery import SecondFactorSetup
from hanse_server.accounts.models import User
from hanse_server.identity.recovery_routes import SCAN
from hanse_server.identity.second_factor import MISSING_CODE, Enrolment
from hanse_server.identity.service import Logins
from hanse_server.identity.sessions import Refreshes
from hanse_web.auth import DetachedLoggedIn, RefreshClaims, ShownUser
from hanse_web.origin import RequestOrigin
from hanse_web.work import ReadWork

router = APIRouter(tags=["identity"])


async def _logins(request: Request) -> Logins:
    logins: Logins = request.app.state.logins
    return logins


async def _refreshes(request: Request) -> Refreshes:
    refreshes: Refreshes = request.app.state.refreshes
    return refreshes


@router.post("/token/user")
async def log_in(
    body: UserLogin, logins: Annotated[Logins, Depends(_logins)], origin: RequestOrigin, response: Response
) -> UserTokens | SecondFactorSetup | Message:
    """Log in as a user. Without tokens, the answer says what is missing: a second factor, or only its code."""
    result = await logins.log_in(body.username, body.password, body.mfa_code, origin)
    if result is None:
        return Message(msg=MISSING_CODE)
    if isinstance(result, Enrolment):
        return SecondFactorSetup(qr_uri=result.qr_uri, otp_secret=result.otp_secret, msg=SCAN)
    response.headers["jwt-token"] = result.access_token
    return result


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
    tokens = await logins.change_password(
        actor.name, body.current_password, body.new_password, origin, actor.session_id
    )
    return ChangedPassword(msg="the password is changed; use the new tokens", **tokens.model_dump())
