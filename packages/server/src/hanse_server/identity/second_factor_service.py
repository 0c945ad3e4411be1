"""What users do with their own second factor, and administrators with those of others."""

from collections.abc import Callable
from typing import TypeVar

from anyio import to_thread

from hanse_core.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated
from hanse_core.permissions import RULES, Operation, Resource, Scope
from hanse_core.wire.recovery import SecondFactorState
from hanse_server.accounts import rules
from hanse_server.accounts.models import User
from hanse_server.accounts.queries import rule_ids_of_user, visible_users
from hanse_server.identity.notices import Notices
from hanse_server.identity.second_factor import WRONG_CODE, Enrolment, Factor, SecondFactors, remove_second_factor
from hanse_server.identity.service import Account, Logins, revoke
from hanse_server.identity.sessions import note_second_factor
from hanse_web.access import UserActor
from hanse_web.origin import Origin
from hanse_web.work import Work, Works

T = TypeVar("T")


class OwnSecondFactor:
    """The second factor of one user, who must prove again who he or she is for whatever weakens it."""

    def __init__(
        self, works: Works, logins: Logins, factors: SecondFactors, notices: Notices, actor: UserActor, origin: Origin
    ) -> None:
        self._works = works
        self._logins = logins
        self._factors = factors
        self._notices = notices
        self._actor = actor
        self._origin = origin

    async def state(self) -> SecondFactorState:
        """Tell whether it is in force, and whether it must be."""

        def look(work: Work) -> SecondFactorState:
            factor = self._factors.of(work, self._actor.id)
            left = self._factors.recovery_codes_left(work, self._actor.id)
            return SecondFactorState(active=factor.is_active, required=factor.is_required, recovery_codes_left=left)

        async with self._works.open(write=False) as work:
            return await to_thread.run_sync(look, work)

    async def start(self, password: str, code: str | None) -> Enrolment:
        """Make a secret. In place of one in force it is in force at once; else once it is confirmed."""
        account = await self._logins.check(self._actor.name, password, self._origin)

        def made(work: Work, factor: Factor) -> Enrolment:
            if factor.is_active:
                self._tell(work, "your second factor was set up anew")
            return self._factors.enrol(work, factor, in_force=factor.is_active)

        return await self._with_proof(account, code, made)

    async def confirm(self, code: str) -> list[str]:
        """Put a secret that was made into force, by its first code; gives recovery codes."""

        def confirmed(work: Work) -> list[str] | None:
            factor = self._factors.of(work, self._actor.id)
            if factor.is_active:
                raise Conflict("the second factor is in force already")
            if factor.sealed is None:
                raise Conflict("there is no second factor to confirm; set one up first")
            if self._logins.limits(work, self._origin).judge(self._actor.id).is_refused:
                return None
            if not self._logins.takes(work, factor, code, self._origin):
                return None
            note_second_factor(work.session, self._actor.session_id)
            self._tell(work, "a second factor was set up")
            return self._factors.renew_recovery_codes(work, self._actor.id)

        async with self._works.open(write=True) as work:
            codes = await to_thread.run_sync(confirmed, work)
        if codes is None:
            raise Invalid(WRONG_CODE, errors={"mfa_code": ["is wrong"]})
        return codes

    async def renew_recovery_codes(self, password: str, code: str) -> list[str]:
        """Give new recovery codes in place of the old ones."""
        account = await self._logins.check(self._actor.name, password, self._origin)

        def renewed(work: Work, factor: Factor) -> list[str]:
            if not factor.is_active:
                raise Conflict("there is no second factor, so there is nothing to recover")
            self._tell(work, "new recovery codes were made")
            return self._factors.renew_recovery_codes(work, factor.user_id)

        return await self._with_proof(account, code, renewed)

    async def remove(self, password: str, code: str) -> None:
        """Log in without second factor from now on, unless it is required."""
        account = await self._logins.check(self._actor.name, password, self._origin)

        def removed(work: Work, factor: Factor) -> None:
            if factor.is_required:
                raise Denied("this server, or your organization, wants a second factor; you can only set up another")
            if factor.is_active:
                self._tell(work, "the second factor was switched off")
            remove_second_factor(work, factor.user_id)

        await self._with_proof(account, code, removed)

    async def _with_proof(self, account: Account, code: str | None, act: Callable[[Work, Factor], T]) -> T:
        """Act once the code, where there must be one, is right; a wrong one counts like a wrong password."""

        def attempt(work: Work) -> tuple[bool, T | None]:
            self._logins.require_unblocked(work, account, self._origin)
            factor = self._factors.of(work, account.id)
            if factor.is_active and not self._logins.takes(work, factor, code or "", self._origin):
                return False, None
            self._logins.accept(work, account, self._origin)
            return True, act(work, factor)

        async with self._works.open(write=True) as work:
            is_right, result = await to_thread.run_sync(attempt, work)
        if not is_right:
            raise Unauthenticated(WRONG_CODE)
        return result  # type: ignore[return-value]

    def _tell(self, work: Work, change: str) -> None:
        self._notices.login_changed(work, self._actor.id, change)


class OthersSecondFactor:
    """What an administrator does for somebody who lost phone and recovery codes."""

    def __init__(self, work: Work, actor: UserActor, notices: Notices) -> None:
        self._work = work
        self._actor = actor
        self._notices = notices

    def remove(self, user_id: int) -> None:
        """Forget somebody's second factor and end the sessions. The password is still needed to log in.

        Who administers one organization does not weaken the login of those who administer all.
        """
        user = self._work.session.scalar(visible_users(self._actor).where(User.id == user_id))
        if user is None:
            raise NotFound(f"user {user_id} is not found")
        if user.id == self._actor.id:
            raise Denied("your own second factor is switched off with your password and a code")
        rules.require_for_organization(self._actor, Resource.USER, Operation.EDIT, user.organization_id)
        held = self._work.session.scalars(rule_ids_of_user(user.id))
        for_all = [number for number in held if RULES[number - 1].scope is Scope.GLOBAL]
        rules.require_holding(self._actor, for_all, user.organization_id)
        remove_second_factor(self._work, user.id)
        revoke(self._work, user.id)
        self._notices.login_changed(self._work, user.id, "an administrator removed your second factor")
