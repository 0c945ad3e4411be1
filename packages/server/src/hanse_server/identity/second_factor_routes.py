"""Endpoints for the second factor."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from hanse_core.wire.base import Message
from hanse_core.wire.recovery import (
    RecoveryCodes,
    SecondFactorConfirm,
    SecondFactorProof,
    SecondFactorSetup,
    SecondFactorStart,
    SecondFactorState,
)
from hanse_server.identity.recovery_routes import SCAN
from hanse_server.identity.second_factor_service import OthersSecondFactor, OwnSecondFactor
from hanse_web.auth import DetachedLoggedIn, LoggedIn
from hanse_web.origin import RequestOrigin
from hanse_web.query import Key
from hanse_web.work import AllWorks, RequestWork

router = APIRouter(tags=["identity"])


async def _own(request: Request, works: AllWorks, actor: DetachedLoggedIn, origin: RequestOrigin) -> OwnSecondFactor:
    state = request.app.state
    return OwnSecondFactor(works, state.logins, state.factors, state.notices, actor, origin)


Own = Annotated[OwnSecondFactor, Depends(_own)]


@router.get("/second_factor")
async def second_factor(own: Own) -> SecondFactorState:
    """Tell whether one has a second factor, and whether one must."""
    return await own.state()


@router.post("/second_factor", status_code=201)
async def set_up_second_factor(own: Own, body: SecondFactorStart) -> SecondFactorSetup:
    """Set up a second factor; a first one is in force once it is confirmed, one in place of another at once."""
    made = await own.start(body.password, body.mfa_code)
    return SecondFactorSetup(qr_uri=made.qr_uri, otp_secret=made.otp_secret, msg=SCAN)


@router.post("/second_factor/confirm")
async def confirm_second_factor(own: Own, body: SecondFactorConfirm) -> RecoveryCodes:
    """Put a first second factor into force, with a code that it shows; gives recovery codes."""
    return RecoveryCodes(recovery_codes=await own.confirm(body.mfa_code))


@router.post("/second_factor/recovery_codes", status_code=201)
async def renew_recovery_codes(own: Own, body: SecondFactorProof) -> RecoveryCodes:
    """Make new recovery codes; the old ones stop working."""
    return RecoveryCodes(recovery_codes=await own.renew_recovery_codes(body.password, body.mfa_code))


@router.delete("/second_factor")
async def switch_off_second_factor(own: Own, body: SecondFactorProof) -> Message:
    """Log in without a second factor from now on."""
    await own.remove(body.password, body.mfa_code)
    return Message(msg="the second factor is switched off")


@router.delete("/user/{key}/second_factor")
def remove_second_factor(request: Request, work: RequestWork, actor: LoggedIn, key: Key) -> Message:
    """Forget the second factor of somebody who lost it."""
    OthersSecondFactor(work, actor, request.app.state.notices).remove(key)
    return Message(msg=f"the second factor of user {key} is removed, and the user must log in again")
