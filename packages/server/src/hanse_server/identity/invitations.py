"""Inviting people: they choose their own username and password, and hold what the inviter may give by then."""

from datetime import timedelta
from typing import Any

from anyio import to_thread
from sqlalchemy import ColumnElement, Select, delete, false, func, select, true

from hanse_core.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated
from hanse_core.permissions import Operation, Resource, Scope
from hanse_core.wire.accounts import UserCreate
from hanse_core.wire.invitations import UserInvitationAccept, UserInvitationCreate, UserInvitationView
from hanse_server.accounts.actors import actor_of
from hanse_server.accounts.models import Organization, User
from hanse_server.accounts.password_rules import PasswordRules
from hanse_server.accounts.passwords import Passwords
from hanse_server.accounts.users import Users
from hanse_server.identity.mailed_tokens import EXPIRED, UNKNOWN, new_token, token_hash
from hanse_server.identity.models import UserInvitation
from hanse_server.letters.writing import Letters
from hanse_server.settings import Settings
from hanse_web.access import UserActor
from hanse_web.db import wire_time
from hanse_web.query import Parameters, ordered
from hanse_web.work import Work, Works

PER_DAY = 100
"""How many people a user may invite in a day: an account that was taken over must not become a source of spam."""
SORTABLE = {"id": UserInvitation.id, "email": UserInvitation.email, "created_at": UserInvitation.created_at}
NO_MAIL = "this server sends no mail, so nobody can be invited; create the user instead"
OVERTAKEN = "the invitation no longer holds: who invited you may not give you what it promises; ask for a new one"


class UserInvitations:
    """What those who may create users do with invitations."""

    def __init__(self, work: Work, actor: UserActor, letters: Letters, settings: Settings) -> None:
        self._work = work
        self._session = work.session
        self._actor = actor
        self._letters = letters
        self._life = settings.invitation_life
        self._pause = settings.password_policy.between_mails

    def invite(self, body: UserInvitationCreate) -> UserInvitation:
        """Invite somebody, with the checks of creating a user; a new invitation takes the place of an older one."""
        if not self._letters.can_send:
            raise Invalid(NO_MAIL)
        users, now = Users(self._work, self._actor), self._work.clock.now()
        organization_id = users.require_place(body.organization_id)
        users.require_free("email", body.email)
        users.require_grantable(body.roles or (), body.rules or (), organization_id)
        self._require_patience(organization_id, body.email)
        token = new_token()
        made = UserInvitation(
            email=body.email,
            organization_id=organization_id,
            inviter_id=self._actor.id,
            roles=sorted(set(body.roles or ())),
            rules=sorted(set(body.rules or ())),
            token_hash=token_hash(token),
            created_at=now,
            expires_at=now + self._life,
        )
        self._session.add(made)
        self._session.flush()
        name = self._session.scalars(select(Organization.name).where(Organization.id == organization_id)).one()
        self._letters.user_invitation(self._work, body.email, self._actor.name, name, token, self._life)
        return made

    def _require_patience(self, organization_id: int, email: str) -> None:
        """Refuse inviting too often; forget an older invitation of the same person, and those that are over."""
        now = self._work.clock.now()
        same = UserInvitation.organization_id == organization_id, UserInvitation.email == email
        last = self._session.scalar(select(UserInvitation.created_at).where(*same))
        if last is not None and now - last < self._pause:
            raise Conflict(f"{email} was invited a short time ago; wait a while before you send another mail")
        over = UserInvitation.expires_at <= now - timedelta(days=1)
        for conditions in (same, (over,)):
            self._session.execute(delete(UserInvitation).where(*conditions))
        mine = UserInvitation.inviter_id == self._actor.id, UserInvitation.created_at > now - timedelta(days=1)
        if (self._session.scalar(select(func.count()).where(*mine)) or 0) >= PER_DAY:
            raise Conflict(f"you have invited {PER_DAY} people within a day; go on tomorrow")

    def list(self, parameters: Parameters) -> Select[Any]:
        """Select the open invitations that a list shows."""
        if self._actor.permissions.widest(Resource.USER, Operation.CREATE) is None:
            raise Denied("you may not view invitations, as you may not create users")
        return ordered(self._visible(), parameters.text("sort"), SORTABLE, UserInvitation.id)

    def withdraw(self, invitation_id: int) -> None:
        """End an invitation before it is accepted."""
        found = self._session.scalar(self._visible().where(UserInvitation.id == invitation_id))
        if found is None:
            raise NotFound(f"invitation {invitation_id} is not found")
        found.token_hash = None
        self._session.flush()

    def _visible(self) -> Select[UserInvitation]:
        is_open = UserInvitation.token_hash.is_not(None), UserInvitation.expires_at > self._work.clock.now()
        return select(UserInvitation).where(*is_open, self._is_reachable())

    def _is_reachable(self) -> ColumnElement[bool]:
        widest = self._actor.permissions.widest(Resource.USER, Operation.CREATE)
        if widest is Scope.GLOBAL:
            return true()
        if widest is Scope.COLLABORATION:
            return UserInvitation.organization_id.in_(self._actor.partner_ids | {self._actor.organization_id})
        if widest is Scope.ORGANIZATION:
            return UserInvitation.organization_id == self._actor.organization_id
        return false()


class Acceptances:
    """What an invited person does, with no more proof than the mailed token."""

    def __init__(self, works: Works, passwords: Passwords, settings: Settings) -> None:
        self._works = works
        self._passwords = passwords
        self._rules = PasswordRules(settings.password_policy)
        self._server_name = settings.server_name

    async def view(self, token: str) -> UserInvitationView:
        """Tell what one is invited to."""

        def look(work: Work) -> UserInvitationView:
            found = _open_invitation(work, token)
            name = work.session.scalars(select(Organization.name).where(Organization.id == found.organization_id))
            return UserInvitationView(
                email=found.email,
                organization_name=name.one(),
                server_name=self._server_name,
                expires_at=wire_time(found.expires_at),
            )

        async with self._works.open(write=False) as work:
            return await to_thread.run_sync(look, work)

    async def accept(self, body: UserInvitationAccept) -> User:
        """Become a user, if the inviter may still create this one."""
        await self.view(body.token)
        self._rules.require_acceptable(body.password, body.username)
        hashed = await self._passwords.hash(body.password)
        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(_create, work, body, hashed)

    async def decline(self, token: str) -> None:
        """Refuse for good."""

        def end(work: Work) -> None:
            _open_invitation(work, token).token_hash = None

        async with self._works.open(write=True) as work:
            await to_thread.run_sync(end, work)


def _create(work: Work, body: UserInvitationAccept, hashed: str) -> User:
    invitation = _open_invitation(work, body.token)
    inviter = actor_of(work.session, invitation.inviter_id)
    if inviter is None:
        raise Denied(OVERTAKEN)
    wanted = UserCreate(
        username=body.username,
        email=invitation.email,
        password=body.password,
        firstname=body.firstname,
        lastname=body.lastname,
        organization_id=invitation.organization_id,
        roles=invitation.roles,
        rules=invitation.rules,
    )
    # Of two who accept at once, only one deletes the row.
    taken = delete(UserInvitation).where(UserInvitation.id == invitation.id).returning(UserInvitation.id)
    if not work.session.execute(taken).all():
        raise Invalid(UNKNOWN)
    try:
        return Users(work, inviter).create(wanted, hashed)
    except (Denied, NotFound) as error:
        raise Denied(OVERTAKEN) from error


def _open_invitation(work: Work, token: str) -> UserInvitation:
    found = work.session.scalar(select(UserInvitation).where(UserInvitation.token_hash == token_hash(token)))
    if found is None:
        raise Invalid(UNKNOWN)
    if found.expires_at <= work.clock.now():
        raise Unauthenticated(EXPIRED)
    return found
