"""Which people of providers are whose account: linked by themselves, or registered by an administrator."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog
from sqlalchemy import delete, func, select

from hanse_core.errors import Denied, Invalid, NotFound, Unauthenticated
from hanse_core.permissions import Operation, Resource
from hanse_server.accounts.models import User
from hanse_server.accounts.passwords import NO_PASSWORD
from hanse_server.accounts.queries import rule_ids_of_user, visible_users
from hanse_server.accounts.rules import require_for_organization, require_holding
from hanse_server.identity.models import LoginSession
from hanse_server.identity.notices import Notices
from hanse_server.identity.sessions import end_sessions
from hanse_server.sso.models import ExternalIdentity
from hanse_server.sso.people import People, Refusal, set_roles
from hanse_server.sso.provider import Proof, Provider
from hanse_web.access import UserActor
from hanse_web.work import Work

RECENT = timedelta(minutes=10)
"""How old a login without password may be with which another way to log in is added."""

log = structlog.get_logger()


class Links:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: UserActor, providers: Mapping[str, Provider], notices: Notices) -> None:
        self._notices = notices
        self._work = work
        self._session = work.session
        self._actor = actor
        self._providers = providers

    def has_password(self) -> bool:
        """Tell whether the actor logs in with a password too."""
        return self._session.scalar(select(User.password).where(User.id == self._actor.id)) != NO_PASSWORD

    def require_recent_login(self) -> None:
        """Refuse an old session where there is no password to ask for: it may be in other hands."""
        opened = select(LoginSession.created_at).where(LoginSession.id == self._actor.session_id)
        since = self._session.scalar(opened)
        if since is None or self._work.clock.now() - since > RECENT:
            raise Unauthenticated("log in again, and link within ten minutes: so it is certain that it is you")

    def link(self, provider: Provider, proof: Proof) -> ExternalIdentity | Refusal:
        """Make the person that the actor has proven to be a holder of its account."""
        people = People(self._work, provider.settings)
        identity = people.register(self._actor.id, proof.subject)
        outcome = people.confirm(identity, proof)
        log.info("identity-linked", provider=provider.settings.name, user=self._actor.id)
        # Also of a refusal, which is about groups that may change: the link stays.
        self._notices.login_changed(self._work, self._actor.id, f"you can now log in through {provider.settings.title}")
        return outcome if isinstance(outcome, Refusal) else identity

    def list(self, user_id: int) -> Sequence[ExternalIdentity]:
        """List who else may log in as a user."""
        user = self._user(user_id)
        if user.id != self._actor.id:
            self._require_edit(user)
        mine = select(ExternalIdentity).where(ExternalIdentity.user_id == user_id)
        return self._session.scalars(mine.order_by(ExternalIdentity.id)).all()

    def register(self, user_id: int, provider_name: str, subject: str) -> ExternalIdentity:
        """Say beforehand who of a provider may log in as a user; only for who could act as that user anyway."""
        user = self._user(user_id)
        if user.id == self._actor.id:
            raise Denied("link your own account by logging in at the provider, which proves that it is you")
        self._require_control(user)
        provider = self._providers.get(provider_name)
        if provider is None:
            text = "names no provider of this server"
            raise Invalid(f"{provider_name} {text}", errors={"provider": [text]})
        made = People(self._work, provider.settings).register(user_id, subject)
        self._notices.login_changed(
            self._work, user_id, f"an administrator has registered who of {provider.settings.title} can log in as you"
        )
        return made

    def remove(self, user_id: int, identity_id: int) -> None:
        """Forget that a person of a provider is a user; its sessions end, and the roles of its groups go."""
        user = self._user(user_id)
        if user.id != self._actor.id:
            self._require_control(user)
        found = self._session.get(ExternalIdentity, identity_id)
        if found is None or found.user_id != user_id:
            raise NotFound(f"identity {identity_id} of user {user_id} is not found")
        if user.id == self._actor.id and user.password == NO_PASSWORD and self._count(user_id) == 1:
            raise Invalid("this is the only way in which you can log in; an administrator can remove it")
        set_roles(self._session, found, ())
        # Those of other providers end too: rather one login more than one session too many.
        end_sessions(self._work, LoginSession.identity_id == user_id, LoginSession.method.startswith("oidc:"))
        self._session.execute(delete(ExternalIdentity).where(ExternalIdentity.id == identity_id))
        provider = next((each.settings.title for each in self._of(found.issuer)), found.issuer)
        self._notices.login_changed(self._work, user_id, f"a person of {provider} can no longer log in as you")

    def name_of(self, issuer: str) -> str | None:
        """Give the name of a provider of today by its issuer."""
        return next((each.settings.name for each in self._of(issuer)), None)

    def _of(self, issuer: str) -> Sequence[Provider]:
        return [each for each in self._providers.values() if each.settings.issuer == issuer]

    def _user(self, user_id: int) -> User:
        found = self._session.scalar(visible_users(self._actor).where(User.id == user_id))
        if found is None:
            raise NotFound(f"user {user_id} is not found")
        return found

    def _require_edit(self, user: User) -> None:
        require_for_organization(self._actor, Resource.USER, Operation.EDIT, user.organization_id)

    def _require_control(self, user: User) -> None:
        self._require_edit(user)
        # Whoever says who may log in as a user can take the account over.
        require_holding(self._actor, self._session.scalars(rule_ids_of_user(user.id)), user.organization_id)

    def _count(self, user_id: int) -> int:
        counted = select(func.count()).select_from(ExternalIdentity).where(ExternalIdentity.user_id == user_id)
        return self._session.scalars(counted).one()
