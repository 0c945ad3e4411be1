"""Endpoints for lost passwords and second factors."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from hanse_core.wire.base import Message
from hanse_core.wire.recovery import (
    LostPassword,
    LostSecondFactor,
    ResetPassword,
    ResetSecondFactor,
    SecondFactorSetup,
)
from hanse_server.identity.recovery import Lost, Recoveries
from hanse_web.origin import RequestOrigin

router = APIRouter(prefix="/recover", tags=["identity"])

SCAN = "scan the QR code, or type the secret, into an authenticator app; then log in again with the code it shows"


async def _recoveries(request: Request) -> Recoveries:
    recoveries: Recoveries = request.app.state.recoveries
    return recoveries


AllRecoveries = Annotated[Recoveries, Depends(_recoveries)]


@router.post("/lost")
async def lose_password(body: LostPassword, recoveries: AllRecoveries, origin: RequestOrigin) -> Message:
    """Have a token mailed that sets a new password; the answer is the same whether or not there is such an account."""
    recoveries.ask(Lost(body.username, body.email), origin)
    return Message(msg="if there is such an account, a mail is on its way to its address")


@router.post("/reset")
async def reset_password(body: ResetPassword, recoveries: AllRecoveries) -> Message:
    """Set a new password with a mailed token."""
    await recoveries.reset_password(body.reset_token, body.password)
    return Message(msg="the password is changed; log in with the new one")


@router.post("/2fa/lost")
async def lose_second_factor(body: LostSecondFactor, recoveries: AllRecoveries, origin: RequestOrigin) -> Message:
    """Have a token mailed that sets up a new second factor; needs the password."""
    await recoveries.lose_second_factor(Lost(body.username, body.email), body.password, origin)
    return Message(msg="a mail with what you need to set up a new second factor is on its way")


@router.post("/2fa/reset")
async def reset_second_factor(body: ResetSecondFactor, recoveries: AllRecoveries) -> SecondFactorSetup:
    """Set up a new second factor with a mailed token."""
    made = await recoveries.reset_second_factor(body.reset_token)
    return SecondFactorSetup(qr_uri=made.qr_uri, otp_secret=made.otp_secret, msg=SCAN)
