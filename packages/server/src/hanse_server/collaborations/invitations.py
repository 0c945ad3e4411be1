"""Inviting organizations: one joins a collaboration only when one of its own administrators says so."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, insert, or_, select, true

from hanse_core.errors import Conflict, Denied, Invalid, NotFound
from hanse_core.events import INVITATION, collaboration_room
from hanse_core.permissions import RULE_IDS, Operation, Resource, Scope
from hanse_core.wire.invitations import OrganizationInvitationCreate
from hanse_server.accounts.actors import actor_of
from hanse_server.accounts.models import Organization, User, member, role_rule, user_role, user_rule
from hanse_server.accounts.queries import visible_organizations
from hanse_server.collaborations.models import Collaboration, OrganizationInvitation
from hanse_server.collaborations.queries import member_ids, visible_collaborations
from hanse_server.letters.writing import Letters
from hanse_server.settings import Settings
from hanse_web.access import UserActor
from hanse_web.query import Parameters, ordered
from hanse_web.work import Work

OPEN_PER_COLLABORATION = 100
TOLD_PER_ORGANIZATION = 20
SORTABLE = {"id": OrganizationInvitation.id, "created_at": OrganizationInvitation.created_at}
PENDING, ACCEPTED, DECLINED, WITHDRAWN, EXPIRED = "pending", "accepted", "declined", "withdrawn", "expired"
ADMINISTRATION = [
    number
    for rule, number in RULE_IDS.items()
    if rule.resource is Resource.ORGANIZATION and rule.operation is Operation.EDIT
]
"""Ids of the rules whose holders administer their organization."""


class OrganizationInvitations:
    """The use cases of one request, of both sides."""

    def __init__(self, work: Work, actor: UserActor, letters: Letters, settings: Settings) -> None:
        self._work = work
        self._session = work.session
        self._actor = actor
        self._letters = letters
        self._life = settings.invitation_life
        self._pause = settings.password_policy.between_mails
        self._now = work.clock.now()

    def list(self, parameters: Parameters) -> Select[Any]:
        """Select the invitations that a list shows: to the own organization, and into collaborations one may edit."""
        statement = self._visible()
        state = parameters.text("state")
        if state is not None:
            statement = statement.where(*self._is_in(state))
        collaboration_id = parameters.integer("collaboration_id")
        if collaboration_id is not None:
            statement = statement.where(OrganizationInvitation.collaboration_id == collaboration_id)
        return ordered(statement, parameters.text("sort"), SORTABLE, OrganizationInvitation.id)

    def _is_in(self, state: str) -> tuple[ColumnElement[bool], ...]:
        if state == EXPIRED:
            return OrganizationInvitation.state == PENDING, OrganizationInvitation.expires_at <= self._now
        if state == PENDING:
            return OrganizationInvitation.state == PENDING, OrganizationInvitation.expires_at > self._now
        return (OrganizationInvitation.state == state,)

    def get(self, invitation_id: int) -> OrganizationInvitation:
        """Find one that the actor may view."""
        found = self._session.scalar(self._visible().where(OrganizationInvitation.id == invitation_id))
        if found is None:
            raise NotFound(f"invitation {invitation_id} is not found")
        return found

    def invite(self, body: OrganizationInvitationCreate) -> OrganizationInvitation:
        """Invite an organization. Whether there is one of a name that the actor may not view is not told."""
        self._require_editable(body.collaboration_id)
        organization_id, name = self._addressee(body)
        if organization_id in member_ids(self._session, body.collaboration_id):
            raise Invalid(f"{name} is a member of the collaboration already")
        invitation = self._slot(body.collaboration_id, name)
        invitation.organization_id = organization_id
        invitation.inviter_id = self._actor.id
        invitation.state = PENDING
        invitation.created_at = self._now
        invitation.expires_at = self._now + self._life
        self._session.add(invitation)
        self._session.flush()
        self._mail(invitation)
        return invitation

    def _addressee(self, body: OrganizationInvitationCreate) -> tuple[int | None, str]:
        if body.organization_name is not None:
            by_name = select(Organization.id).where(Organization.name == body.organization_name)
            return self._session.scalar(by_name), body.organization_name
        statement = visible_organizations(self._actor).where(Organization.id == body.organization_id)
        found = self._session.scalar(statement)
        if found is None:
            raise NotFound(f"organization {body.organization_id} is not found; give its exact name instead")
        return found.id, found.name

    def _slot(self, collaboration_id: int, name: str) -> OrganizationInvitation:
        """Find the row of an earlier invitation of the same organization, or make one; refuse too many."""
        of_collaboration = OrganizationInvitation.collaboration_id == collaboration_id
        by_name = select(OrganizationInvitation).where(of_collaboration)
        found = self._session.scalar(by_name.where(OrganizationInvitation.organization_name == name))
        if found is not None and found.state == PENDING and found.expires_at > self._now:
            raise Conflict(f"{name} is invited already")
        is_open = self._is_in(PENDING)
        if (
            self._session.scalar(select(func.count()).where(of_collaboration, *is_open)) or 0
        ) >= OPEN_PER_COLLABORATION:
            raise Conflict(f"{OPEN_PER_COLLABORATION} invitations are open; withdraw some first")
        return found or OrganizationInvitation(collaboration_id=collaboration_id, organization_name=name)

    def _mail(self, invitation: OrganizationInvitation) -> None:
        """Tell the administrators of the organization, but not again and again."""
        last = invitation.mailed_at
        if invitation.organization_id is None or (last is not None and self._now - last < self._pause):
            return
        invitation.mailed_at = self._now
        names = select(Organization.name).where(Organization.id == self._actor.organization_id)
        inviter = self._session.scalars(names).one()
        for email in self._session.scalars(_administrators(invitation.organization_id)):
            self._letters.organization_invitation(
                self._work, email, inviter, invitation.organization_name, invitation.collaboration.name, self._life
            )

    def accept(self, invitation_id: int) -> OrganizationInvitation:
        """Join the collaboration; only as an administrator of the invited organization."""
        invitation = self._answerable(invitation_id)
        inviter = actor_of(self._session, invitation.inviter_id)
        key = invitation.collaboration_id
        if inviter is None or not inviter.may_for_collaboration(Resource.COLLABORATION, Operation.EDIT, key):
            raise Conflict(
                "the invitation no longer holds: who gave it may not invite into this collaboration any more"
            )
        if invitation.organization_id not in member_ids(self._session, key):
            row = {"collaboration_id": key, "organization_id": invitation.organization_id}
            self._session.execute(insert(member).values(row))
        return self._close(invitation, ACCEPTED)

    def decline(self, invitation_id: int) -> OrganizationInvitation:
        """Stay out; only as an administrator of the invited organization."""
        return self._close(self._answerable(invitation_id), DECLINED)

    def withdraw(self, invitation_id: int) -> None:
        """End an invitation before it is accepted."""
        invitation = self.get(invitation_id)
        if not self._may_edit(invitation.collaboration_id):
            raise Denied("only those who may edit the collaboration may withdraw an invitation into it")
        self._require_open(invitation)
        self._close(invitation, WITHDRAWN)

    def _answerable(self, invitation_id: int) -> OrganizationInvitation:
        invitation = self.get(invitation_id)
        if invitation.organization_id != self._actor.organization_id or not self._administers():
            raise Denied("only an administrator of the invited organization may answer the invitation")
        self._require_open(invitation)
        return invitation

    def _require_open(self, invitation: OrganizationInvitation) -> None:
        state = state_of(invitation, self._now)
        if state != PENDING:
            raise Conflict(f"the invitation is {state}")

    def _close(self, invitation: OrganizationInvitation, state: str) -> OrganizationInvitation:
        invitation.state = state
        self._session.flush()
        data = {"id": invitation.id, "collaboration_id": invitation.collaboration_id, "state": state}
        self._work.tell(INVITATION, data, collaboration_room(invitation.collaboration_id))
        return invitation

    def _require_editable(self, collaboration_id: int) -> None:
        visible = visible_collaborations(self._actor).where(Collaboration.id == collaboration_id)
        if self._session.scalar(visible) is None:
            raise NotFound(f"collaboration {collaboration_id} is not found")
        if not self._may_edit(collaboration_id):
            raise Denied("you may not edit this collaboration, so you cannot invite anybody into it")

    def _may_edit(self, collaboration_id: int) -> bool:
        return self._actor.may_for_collaboration(Resource.COLLABORATION, Operation.EDIT, collaboration_id)

    def _administers(self) -> bool:
        return self._actor.reaches(Resource.ORGANIZATION, Operation.EDIT, Scope.ORGANIZATION)

    def _visible(self) -> Select[OrganizationInvitation]:
        return select(OrganizationInvitation).where(or_(self._is_sent(), self._is_received()))

    def _is_sent(self) -> ColumnElement[bool]:
        if self._actor.has(Resource.COLLABORATION, Operation.EDIT, Scope.GLOBAL):
            return true()
        if self._actor.has(Resource.COLLABORATION, Operation.EDIT, Scope.COLLABORATION):
            return OrganizationInvitation.collaboration_id.in_(self._actor.collaboration_ids)
        return false()

    def _is_received(self) -> ColumnElement[bool]:
        if not self._administers():
            return false()
        mine = OrganizationInvitation.organization_id == self._actor.organization_id
        return and_(mine, OrganizationInvitation.state != WITHDRAWN)


def state_of(invitation: OrganizationInvitation, now: datetime) -> str:
    """Tell how an invitation stands: one that nobody answered in time has expired."""
    is_over = invitation.state == PENDING and invitation.expires_at <= now
    return EXPIRED if is_over else invitation.state


def _administrators(organization_id: int) -> Select[str]:
    """Select the addresses of those who administer an organization."""
    through_roles = (
        select(user_role.c.user_id)
        .join(role_rule, role_rule.c.role_id == user_role.c.role_id)
        .where(role_rule.c.rule_id.in_(ADMINISTRATION))
    )
    direct = select(user_rule.c.user_id).where(user_rule.c.rule_id.in_(ADMINISTRATION))
    statement = select(User.email).where(User.organization_id == organization_id)
    statement = statement.where(or_(User.id.in_(through_roles), User.id.in_(direct)))
    return statement.order_by(User.id).limit(TOLD_PER_ORGANIZATION)
