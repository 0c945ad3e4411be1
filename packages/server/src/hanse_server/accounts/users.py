"""What can be done with users."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, cast

from sqlalchemy import Select, Table, delete, func, select

from hanse_core.errors import Denied, Invalid, NotFound
from hanse_core.permissions import Operation, Resource
from hanse_core.wire.accounts import UserCreate, UserPatch, UserPermissions
from hanse_server.accounts import rules
from hanse_server.accounts.bootstrap import ROOT_ROLE
from hanse_server.accounts.models import Identity, Organization, Role, Rule, User, role_rule, user_role, user_rule
from hanse_server.accounts.queries import (
    organizations_in_collaboration,
    reach,
    role_ids_of_user,
    rule_ids_of_user,
    visible_organizations,
    visible_roles,
    visible_users,
)
from hanse_server.letters.writing import Letters
from hanse_web.access import UserActor
from hanse_web.dependents import count_dependents, delete_dependents
from hanse_web.locks import claim
from hanse_web.query import Parameters, contains, ordered
from hanse_web.work import Work

SORTABLE = {
    "id": User.id,
    "username": User.username,
    "firstname": User.firstname,
    "lastname": User.lastname,
    "email": User.email,
    "last_seen": User.last_seen,
    "status": User.status,
    "organization_id": User.organization_id,
}
TEXTS = {"username": User.username, "firstname": User.firstname, "lastname": User.lastname, "email": User.email}
USER = Resource.USER


class Users:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: UserActor, letters: Letters | None = None) -> None:
        self._letters = letters
        """With which a user hears of a change of the own address, at the former one."""
        self._work = work
        self._session = work.session
        self._actor = actor

    def list(self, parameters: Parameters) -> Select[Any]:
        """Select the users that a list shows."""
        if parameters.text("username") != self._actor.name:
            rules.require_any_view(self._actor, USER)
        statement = visible_users(self._actor)
        for name, column in TEXTS.items():
            statement = statement.where(contains(column, parameters.text(name)))
        if since := parameters.moment("last_seen_from"):
            statement = statement.where(User.last_seen >= since)
        if until := parameters.moment("last_seen_till"):
            statement = statement.where(User.last_seen <= until)
        statement = self._of_organizations(statement, parameters)
        statement = self._of_rights(statement, parameters)
        return ordered(statement, parameters.text("sort"), SORTABLE, User.id)

    def _of_organizations(self, statement: Select[Any], parameters: Parameters) -> Select[Any]:
        organization_id = parameters.integer("organization_id")
        if organization_id is not None:
            rules.require_for_organization(self._actor, USER, Operation.VIEW, organization_id)
            statement = statement.where(User.organization_id == organization_id)
        collaboration_id = parameters.integer("collaboration_id")
        if collaboration_id is not None:
            rules.require_for_collaboration(self._actor, USER, collaboration_id)
            statement = statement.where(User.organization_id.in_(organizations_in_collaboration(collaboration_id)))
        return statement

    def _of_rights(self, statement: Select[Any], parameters: Parameters) -> Select[Any]:
        role_id = parameters.integer("role_id")
        if role_id is not None:
            if self._session.scalar(visible_roles(self._actor).where(Role.id == role_id)) is None:
                raise Invalid(f"there is no role {role_id}")
            holders = select(user_role.c.user_id).where(user_role.c.role_id == role_id)
            statement = statement.where(User.id.in_(holders))
        rule_id = parameters.integer("rule_id")
        if rule_id is not None:
            if self._session.get(Rule, rule_id) is None:
                raise Invalid(f"there is no rule {rule_id}")
            holders = select(user_rule.c.user_id).where(user_rule.c.rule_id == rule_id)
            statement = statement.where(User.id.in_(holders))
        return statement

    def get(self, user_id: int) -> User:
        """Find one user that the actor may see."""
        found = self._session.scalar(visible_users(self._actor).where(User.id == user_id))
        if found is None:
            raise NotFound(f"user {user_id} is not found")
        return found

    def permissions(self, user: User) -> UserPermissions:
        """Give what a user holds, and with whom its organization works."""
        _, partners = reach(self._session, user.organization_id)
        return UserPermissions(
            roles=list(self._session.scalars(role_ids_of_user(user.id))),
            rules=sorted(self._session.scalars(rule_ids_of_user(user.id))),
            orgs_in_collabs=sorted(partners),
        )

    def require_creatable(self, body: UserCreate) -> tuple[int, Sequence[Role], Sequence[Rule]]:
        """Check everything about a new user that can be refused; give its organization, roles and rules."""
        organization_id = self.require_place(body.organization_id)
        self.require_free("username", body.username)
        self.require_free("email", body.email)
        return organization_id, *self.require_grantable(body.roles or (), body.rules or (), organization_id)

    def require_place(self, organization_id: int | None) -> int:
        """Check that the actor may add users to an organization, by itself the own one; give its id."""
        chosen = organization_id or self._actor.organization_id
        if chosen != self._actor.organization_id:
            statement = visible_organizations(self._actor).where(Organization.id == chosen)
            if self._session.scalar(statement) is None:
                raise NotFound(f"organization {chosen} is not found")
        rules.require_for_organization(self._actor, USER, Operation.CREATE, chosen)
        return chosen

    def require_grantable(
        self, roles: Iterable[int], direct: Iterable[int], organization_id: int
    ) -> tuple[Sequence[Role], Sequence[Rule]]:
        """Check that the actor may give these roles and rules to users of an organization."""
        return self._grantable(roles, organization_id), self._rules(direct, organization_id)

    def create(self, body: UserCreate, password: str) -> User:
        """Add a user, with its password already hashed."""
        organization_id, roles, direct = self.require_creatable(body)
        user = User(
            username=body.username,
            email=body.email,
            password=password,
            firstname=body.firstname,
            lastname=body.lastname,
            organization_id=organization_id,
            roles=list(roles),
            rules=list(direct),
        )
        self._session.add(user)
        self._session.flush()
        return user

    def update(self, user_id: int, body: UserPatch) -> User:
        """Change what is given."""
        user = self.get(user_id)
        self._require(Operation.EDIT, user)
        given = body.given()
        if given.pop("organization_id", user.organization_id) != user.organization_id:
            raise Invalid("a user cannot be moved to another organization; create a new one there")
        roles, direct = given.pop("roles", None), given.pop("rules", None)
        self._require_changeable(user, given)
        if roles is not None:
            self._set_roles(user, roles)
        if direct is not None:
            self._set_rules(user, direct)
        former = user.email
        for name, value in given.items():
            setattr(user, name, value)
        self._session.flush()
        if user.email != former:
            self._tell_former_address(former, user.username)
        return user

    def _tell_former_address(self, email: str, username: str) -> None:
        """Whoever receives the mail of an account can take it over, so its owner must hear of another address."""
        if self._letters is not None:
            self._letters.login_method(self._work, email, username, "the e-mail address of your account was changed")

    def delete(self, user_id: int, *, with_dependents: bool) -> None:
        """Remove a user, and the tasks it created where that is asked for."""
        user = self.get(user_id)
        self._require(Operation.DELETE, user)
        if user.id != self._actor.id:
            # Nobody removes somebody who may do more.
            rules.require_holding(self._actor, self._session.scalars(rule_ids_of_user(user.id)), user.organization_id)
        self._require_another_root(user)
        target = cast(Table, User.__table__)
        if not with_dependents:
            rules.refuse_dependents(f"user {user.username}", count_dependents(self._session, target, user_id))
        self._work.erase(target, user_id)
        delete_dependents(self._session, target, user_id)
        self._session.execute(delete(Identity).where(Identity.id == user_id))
        self._work.tell(rules.IDENTITY_REVOKED, {"id": user_id})

    def _require(self, operation: Operation, user: User) -> None:
        is_own = user.id == self._actor.id and self._actor.permissions.widest(USER, operation) is not None
        if not is_own:
            rules.require_for_organization(self._actor, USER, operation, user.organization_id)

    def _require_changeable(self, user: User, given: dict[str, Any]) -> None:
        if self._actor.token_id is not None and {"username", "email"} & set(given):
            raise Denied("a personal access token cannot change names or addresses by which people log in; log in")
        if given.get("username", user.username) != user.username:
            if user.id != self._actor.id:
                raise Invalid("you cannot change the username of another user")
            self.require_free("username", given["username"])
        if given.get("email", user.email) != user.email:
            if user.id != self._actor.id:
                # Whoever receives a user's mail can take the account over.
                rules.require_holding(
                    self._actor, self._session.scalars(rule_ids_of_user(user.id)), user.organization_id
                )
            self.require_free("email", given["email"])

    def require_free(self, field: str, value: str) -> None:
        """Refuse a username or an address that somebody has."""
        column = TEXTS[field]
        if self._session.scalar(select(func.count()).where(column == value)):
            raise Invalid(f"{field} {value} is taken", errors={field: ["is taken"]})

    def _require_another_root(self, user: User) -> None:
        claim(self._session, "holders of root")
        holders = select(user_role.c.user_id).join(Role, Role.id == user_role.c.role_id)
        root = set(self._session.scalars(holders.where(Role.is_default_role, Role.name == ROOT_ROLE)))
        if root == {user.id}:
            raise Invalid(f"{user.username} is the last user with the role {ROOT_ROLE}; give it to another one first")

    def _set_roles(self, user: User, ids: Collection[int]) -> None:
        current = {role.id: role for role in user.roles}
        if set(ids) == set(current):
            return
        self._refuse_oneself(user)
        added = self._grantable([key for key in ids if key not in current], user.organization_id)
        self._require_holding_roles((key for key in current if key not in ids), user.organization_id)
        user.roles = [role for key, role in current.items() if key in ids] + list(added)

    def _set_rules(self, user: User, ids: Collection[int]) -> None:
        current = {rule.id for rule in user.rules}
        if set(ids) == current:
            return
        self._refuse_oneself(user)
        rules.require_holding(self._actor, current - set(ids), user.organization_id)
        user.rules = list(self._rules(ids, user.organization_id))

    def _refuse_oneself(self, user: User) -> None:
        if user.id == self._actor.id:
            raise Denied("you cannot change your own roles and rules")

    def _grantable(self, ids: Iterable[int], organization_id: int) -> Sequence[Role]:
        wanted = set(ids)
        statement = visible_roles(self._actor).where(Role.id.in_(wanted)).order_by(Role.id)
        roles = self._session.scalars(statement).all()
        rules.refuse_unknown("role", wanted, (role.id for role in roles))
        for role in roles:
            rules.refuse_unfit_role(role.name, role.is_default_role, role.organization_id, organization_id)
        self._require_holding_roles(wanted, organization_id)
        return roles

    def _require_holding_roles(self, ids: Iterable[int], organization_id: int) -> None:
        held = select(role_rule.c.rule_id).where(role_rule.c.role_id.in_(list(ids))).distinct()
        rules.require_holding(self._actor, self._session.scalars(held), organization_id)

    def _rules(self, ids: Iterable[int], organization_id: int) -> Sequence[Rule]:
        wanted = set(ids)
        found = self._session.scalars(select(Rule).where(Rule.id.in_(wanted)).order_by(Rule.id)).all()
        rules.refuse_unknown("rule", wanted, (rule.id for rule in found))
        rules.require_holding(self._actor, wanted, organization_id)
        return found
