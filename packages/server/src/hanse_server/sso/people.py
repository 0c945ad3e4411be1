"""From what a provider says of a person to the account here, and the roles that its groups give."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, ScalarSelect, delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from hanse_core.errors import Conflict
from hanse_core.permissions import IDENTITY_ROLES, RULES
from hanse_server.accounts.models import Organization, Role, User, role_rule, user_role
from hanse_server.accounts.passwords import NO_PASSWORD
from hanse_server.identity.access_tokens import StillWelcome
from hanse_server.identity.models import LoginSession
from hanse_server.identity.sessions import end_sessions
from hanse_server.settings.oidc import ROOT_ROLE, OidcProvider
from hanse_server.sso import rules
from hanse_server.sso.models import ExternalIdentity, external_role
from hanse_server.sso.provider import Proof
from hanse_web.clock import Clock
from hanse_web.work import Work

METHOD = "oidc:"

log = structlog.get_logger()


def method_of(provider: OidcProvider) -> str:
    """Name the way of logging in through a provider, as login sessions keep it."""
    return f"{METHOD}{provider.name}"


def still_welcome(providers: Iterable[OidcProvider], clock: Clock) -> StillWelcome:
    """Make the question whether a way to log in would still let a user in: only with a provider's word of late."""
    by_method = {method_of(each): each for each in providers}

    def ask(session: Session, user_id: int, method: str) -> bool:
        if not method.startswith(METHOD):
            return True
        provider = by_method.get(method)
        if provider is None:
            return False
        mine = ExternalIdentity.user_id == user_id, ExternalIdentity.issuer == provider.issuer
        since = ExternalIdentity.confirmed_at > clock.now() - provider.access_tokens_last
        return bool(session.scalar(select(exists().where(*mine, since))))

    return ask


@dataclass(frozen=True, slots=True)
class Welcome:
    """Whose account it is, and the groups that count for it."""

    user_id: int
    identity_id: int
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not come in. Given, not raised: what was taken away must stay so."""

    reason: str


class People:
    """Finds and creates accounts, and keeps their roles in step with one provider's groups, in one unit of work."""

    def __init__(self, work: Work, provider: OidcProvider) -> None:
        self._work = work
        self._session = work.session
        self._provider = provider

    def settle(self, proof: Proof) -> Welcome | Refusal:
        """Give the account of a person, with the roles of its groups of now."""
        identity = self._session.scalar(
            select(ExternalIdentity).where(
                ExternalIdentity.issuer == proof.issuer, ExternalIdentity.subject == proof.subject
            )
        )
        if identity is None:
            return self._newcomer(proof)
        return self.confirm(identity, proof)

    def confirm(self, identity: ExternalIdentity, proof: Proof) -> Welcome | Refusal:
        """Set the roles of a known person to what its groups give; who is in none that is needed is not let in."""
        organization = self._session.scalars(
            select(Organization.name)
            .join(User, User.organization_id == Organization.id)
            .where(User.id == identity.user_id)
        ).one()
        counted = rules.counted_groups(self._provider, proof.groups, organization)
        identity.confirmed_at = self._work.clock.now()
        self._session.flush()
        set_roles(self._session, identity, self._role_ids(counted, identity.user_id))
        if self._provider.groups and self._provider.require_group and not counted:
            self.dismiss(identity)
            return Refusal(
                f"none of your groups at {self._provider.title} gives access to {organization} here; "
                "ask those who manage the groups, and log in again"
            )
        return Welcome(identity.user_id, identity.id, counted)

    def dismiss(self, identity: ExternalIdentity) -> None:
        """Take the roles of groups away, and end what was opened through the provider; access tokens stop for now."""
        set_roles(self._session, identity, ())
        identity.confirmed_at = None
        self.end_sessions(identity.user_id)

    def end_sessions(self, user_id: int) -> None:
        """End all sessions of a user that were opened through the provider."""
        end_sessions(self._work, LoginSession.identity_id == user_id, LoginSession.method == method_of(self._provider))

    def register(self, user_id: int, subject: str) -> ExternalIdentity:
        """Say whose account a person of the provider has. Raises `Conflict` when it has another one."""
        issuer = self._provider.issuer
        mine = ExternalIdentity.issuer == issuer, ExternalIdentity.subject == subject
        found = self._session.scalar(select(ExternalIdentity).where(*mine))
        if found is not None and found.user_id != user_id:
            raise Conflict("this person of the provider has another account here; its link must be removed first")
        return found or self._add(user_id, subject)

    def _add(self, user_id: int, subject: str) -> ExternalIdentity:
        made = ExternalIdentity(
            user_id=user_id, issuer=self._provider.issuer, subject=subject, created_at=self._work.clock.now()
        )
        self._session.add(made)
        self._session.flush()
        return made

    def _newcomer(self, proof: Proof) -> Welcome | Refusal:
        title = self._provider.title
        if self._provider.unknown_users == "refuse":
            return Refusal(
                f"no account here is linked to you at {title}: log in with your password and link it, or ask an "
                f"administrator to register you (your subject there is {proof.subject})"
            )
        places = rules.organizations_of(self._provider, proof.groups)
        if len(places) != 1:
            which = "give access to more than one organization" if places else "gives access here"
            return Refusal(f"{'your' if places else 'none of your'} groups at {title} {which}; ask an administrator")
        organization = self._session.scalar(select(Organization).where(Organization.name.in_(places)))
        if organization is None:
            log.error("oidc-organization-missing", provider=self._provider.name, organization=min(places))
            return Refusal(f"the settings of this server name an organization that does not exist: {min(places)}")
        user = self._create(proof, organization)
        if isinstance(user, Refusal):
            return user
        return self.confirm(self._add(user.id, proof.subject), proof)

    def _create(self, proof: Proof, organization: Organization) -> User | Refusal:
        claims, name = proof.claims, self._provider.name
        address = rules.email(claims, name, proof.subject)
        if self._is_taken(func.lower(User.email) == address.lower()):
            # Two accounts for one person would surprise; one for two people, because somebody says so, would be worse.
            return Refusal(
                f"there is an account here with the e-mail address that {self._provider.title} has for you: "
                "log in with its password and link it, or ask an administrator"
            )
        wishes = rules.usernames(claims, name, proof.subject)
        user = User(
            username=next(wish for wish in wishes if not self._is_taken(func.lower(User.username) == wish.lower())),
            email=address,
            password=NO_PASSWORD,
            firstname=rules.name(claims, "given_name") or rules.name(claims, "name"),
            lastname=rules.name(claims, "family_name"),
            organization_id=organization.id,
        )
        self._session.add(user)
        self._session.flush()
        log.info("user-created-by-login", provider=name, user=user.id, organization=organization.id)
        return user

    def _is_taken(self, condition: ColumnElement[bool]) -> bool:
        return bool(self._session.scalar(select(exists().where(condition))))

    def _role_ids(self, counted: Iterable[str], user_id: int) -> frozenset[int]:
        names = rules.roles_of(self._provider, counted)
        organization_id = select(User.organization_id).where(User.id == user_id).scalar_subquery()
        found, problems = giveable_roles(self._session, names, organization_id)
        for problem in problems:
            log.error("oidc-role-not-given", provider=self._provider.name, problem=problem)
        return found


def giveable_roles(
    session: Session, names: Collection[str], organization_id: ScalarSelect[int] | int
) -> tuple[frozenset[int], list[str]]:
    """Find the roles that groups give at an organization, and say which of the names cannot be given, and why."""
    statement = select(Role).where(
        Role.name.in_(names),
        or_(Role.organization_id.is_(None), Role.organization_id == organization_id),
    )
    found, problems = {role.name: role for role in session.scalars(statement)}, []
    given: set[int] = set()
    for name in sorted(names):
        role = found.get(name)
        if role is None:
            problems.append(f"there is no role {name}")
        elif role.is_default_role and name in {ROOT_ROLE, *IDENTITY_ROLES}:
            problems.append(f"the role {name} cannot come of a group")
        elif not rules.may_be_given(RULES[rule_id - 1] for rule_id in _rule_ids(session, role.id)):
            problems.append(f"the role {name} allows more than any default role below {ROOT_ROLE}")
        else:
            given.add(role.id)
    return frozenset(given), problems


def _rule_ids(session: Session, role_id: int) -> Iterable[int]:
    return session.scalars(select(role_rule.c.rule_id).where(role_rule.c.role_id == role_id))


def set_roles(session: Session, identity: ExternalIdentity, wanted: Collection[int]) -> None:
    """Make the roles of groups these; roles that were given by hand, or come of another provider, stay."""
    user_id = identity.user_id
    held = set(session.scalars(select(user_role.c.role_id).where(user_role.c.user_id == user_id)))
    mine = set(session.scalars(select(external_role.c.role_id).where(external_role.c.identity_id == identity.id)))
    others = set(
        session.scalars(
            select(external_role.c.role_id)
            .join(ExternalIdentity, ExternalIdentity.id == external_role.c.identity_id)
            .where(ExternalIdentity.user_id == user_id, ExternalIdentity.id != identity.id)
        )
    )
    by_hand = held - mine - others
    if lost := mine - set(wanted):
        session.execute(
            delete(external_role).where(external_role.c.identity_id == identity.id, external_role.c.role_id.in_(lost))
        )
        gone = lost - others
        session.execute(delete(user_role).where(user_role.c.user_id == user_id, user_role.c.role_id.in_(gone)))
    if new := set(wanted) - mine - by_hand:
        session.execute(insert(external_role), [{"identity_id": identity.id, "role_id": key} for key in sorted(new)])
    if missing := set(wanted) - held:
        session.execute(insert(user_role), [{"user_id": user_id, "role_id": key} for key in sorted(missing)])
