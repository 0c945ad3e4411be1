"""Your second factor, and the ways back into an account."""

from __future__ import annotations

from hanse._modes import M, operation
from hanse._resource import Listed, Resource, body
from hanse_core.wire.recovery import (
    LostPassword,
    LostSecondFactor,
    ResetPassword,
    ResetSecondFactor,
    SecondFactorConfirm,
    SecondFactorProof,
    SecondFactorSetup,
    SecondFactorStart,
    SecondFactorState,
)


class SecondFactor(Resource[M]):
    """`client.second_factor`: codes of an authenticator app at each login"""

    @operation
    async def state(self) -> SecondFactorState:
        """Tell whether you have one, whether you must have one, and how many recovery codes are left."""
        return await self._one(SecondFactorState, "GET", "second_factor")

    @operation
    async def set_up(self, password: str, *, mfa_code: str | None = None) -> SecondFactorSetup:
        """Begin to use an authenticator app; `confirm` puts a first one into force, one in place of another is at once.

        Args:
            password: your own.
            mfa_code: a code of the present app, if there is one.

        Returns:
            `qr_uri`, the text of the QR code to scan, and `otp_secret`, to be typed instead.
        """
        fields = body(SecondFactorStart, password=password, mfa_code=mfa_code)
        return await self._one(SecondFactorSetup, "POST", "second_factor", fields)

    @operation
    async def confirm(self, mfa_code: str) -> Listed[str]:
        """Put a first second factor into force with a code of the app; gives recovery codes, which are shown only now.

        Each of these works once in place of a code, for when the phone is lost.
        """
        answer = await self._send("POST", "second_factor/confirm", body(SecondFactorConfirm, mfa_code=mfa_code))
        return [str(code) for code in answer["recovery_codes"]]

    @operation
    async def renew_recovery_codes(self, password: str, mfa_code: str) -> Listed[str]:
        """Replace the recovery codes by new ones, which are shown only now."""
        proof = body(SecondFactorProof, password=password, mfa_code=mfa_code)
        answer = await self._send("POST", "second_factor/recovery_codes", proof)
        return [str(code) for code in answer["recovery_codes"]]

    @operation
    async def switch_off(self, password: str, mfa_code: str) -> None:
        """Log in without a second factor from now on. Raises `Denied` where one is required."""
        await self._send("DELETE", "second_factor", body(SecondFactorProof, password=password, mfa_code=mfa_code))


class Recovery(Resource[M]):
    """`client.recovery`: the ways back in; none of them needs a login"""

    @operation
    async def lost_password(self, *, username: str | None = None, email: str | None = None) -> None:
        """Have a token mailed to you that sets a new password. Whether there is such an account is not told."""
        await self._ask("POST", "recover/lost", body(LostPassword, username=username, email=email))

    @operation
    async def reset_password(self, token: str, password: str) -> None:
        """Set a new password with the mailed token. Raises `Invalid` when the token is old or the password weak."""
        await self._ask("POST", "recover/reset", body(ResetPassword, reset_token=token, password=password))

    @operation
    async def lost_second_factor(self, password: str, *, username: str | None = None, email: str | None = None) -> None:
        """Have a token mailed to you that sets up a new second factor. Raises `Unauthenticated` (wrong password)."""
        fields = body(LostSecondFactor, password=password, username=username, email=email)
        await self._ask("POST", "recover/2fa/lost", fields)

    @operation
    async def reset_second_factor(self, token: str) -> SecondFactorSetup:
        """Set up a new second factor with the mailed token; log in with the code that the app then shows.

        Returns:
            `qr_uri`, the text of the QR code to scan, and `otp_secret`, to be typed instead.
        """
        answer = await self._ask("POST", "recover/2fa/reset", body(ResetSecondFactor, reset_token=token))
        return SecondFactorSetup.model_validate(answer)
