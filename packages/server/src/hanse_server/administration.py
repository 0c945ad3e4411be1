"""What an operator does to accounts straight in the database; a running server hears of it through the outbox."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hanse_core.errors import Conflict, Invalid, NotFound
from hanse_core.permissions import IDENTITY_ROLES
from hanse_core.wire.accounts import UserCreate
from hanse_server import migrations
from hanse_server.accounts.bootstrap import ROOT_ROLE
from hanse_server.accounts.models import Organization, Role, User
from hanse_server.accounts.password_rules import generated_password
from hanse_server.accounts.passwords import Passwords
from hanse_server.identity.limits import forget_failures, is_blocked_somewhere
from hanse_server.identity.second_factor import remove_second_factor
from hanse_server.identity.service import revoke, set_password
from hanse_server.settings import Settings
from hanse_web.clock import SystemClock
from hanse_web.db import IMMEDIATE, make_engine, sqlite_file
from hanse_web.links import Links
from hanse_web.wording import wording
from hanse_web.work import Work


@dataclass(frozen=True, slots=True)
class UserLine:
    """A user as the list shows it."""

    id: int
    username: str
    organization: str
    roles: Sequence[str]
    factor: str
    state: str


class Administration:
    """The use cases of `hanse server user`, each in a transaction of its own."""

    def __init__(self, settings: Settings) -> None:
        file = sqlite_file(settings.uri)
        if file is not None and not file.exists():
            raise NotFound(f"the database {file} does not exist; check --database, or `uri` in the configuration")
        self._settings = settings
        self._clock = SystemClock()

    def users(self) -> list[UserLine]:
        """List all users."""
        with self._work() as work:
            return [self._line(work.session, user) for user in work.session.scalars(select(User).order_by(User.id))]

    def _line(self, session: Session, user: User) -> UserLine:
        policy, now = self._settings.password_policy, self._clock.now()
        is_blocked = is_blocked_somewhere(session, user.id, policy, now)
        factor = "yes" if user.otp_secret and user.otp_last_step is not None else "no"
        state = "blocked" if is_blocked else ""
        roles = sorted(role.name for role in user.roles)
        return UserLine(user.id, user.username, user.organization.name, roles, factor, state)

    def require(self, username: str) -> None:
        """Refuse a name that nobody has, before anybody is asked for a password."""
        with self._work() as work:
            _find(work.session, username)

    def draft(self, fields: Mapping[str, str], organization: str, roles: Sequence[str]) -> User:
        """Check all of a new user but the password."""
        _require_valid({**fields, "password": generated_password()})
        with self._work() as work:
            session = work.session
            for column in (User.username, User.email):
                value = fields[column.key]
                if session.scalar(select(func.count()).where(column == value)):
                    raise Conflict(f"there is a user with the {column.key} {value} already")
            place = _find_organization(session, organization)
            held = [_find_role(session, name, place.id) for name in roles]
            session.expunge_all()
        return User(**fields, organization_id=place.id, roles=held)

    def add(self, user: User, password: str) -> int:
        """Add a user; gives the id."""
        user.password = self._hashed(password)
        with self._work(write=True) as work:
            user.roles = [work.session.merge(role) for role in user.roles]
            work.session.add(user)
            work.session.flush()
            return user.id

    def set_password(self, username: str, password: str) -> None:
        """Set a password, as if the user had: all sessions end."""
        hashed = self._hashed(password)
        with self._work(write=True) as work:
            set_password(work, _find(work.session, username).id, hashed)

    def reset_second_factor(self, username: str) -> bool:
        """Forget the second factor and end all sessions; tells whether there was one."""
        with self._work(write=True) as work:
            user_id = _find(work.session, username).id
            if not remove_second_factor(work, user_id):
                return False
            revoke(work, user_id)
            return True

    def unlock(self, username: str) -> None:
        """Forget the wrong passwords of a user."""
        with self._work(write=True) as work:
            forget_failures(work.session, _find(work.session, username).id)

    def change_roles(self, username: str, added: Sequence[str], removed: Sequence[str]) -> list[str]:
        """Give and take roles; gives the names of those that are held then."""
        with self._work(write=bool(added or removed)) as work:
            user = _find(work.session, username)
            for name in added:
                role = _find_role(work.session, name, user.organization_id)
                if role not in user.roles:
                    user.roles.append(role)
            for name in removed:
                user.roles.remove(_held(user, name))
            work.session.flush()
            if ROOT_ROLE in removed:
                _require_a_root(work.session)
            return sorted(role.name for role in user.roles)

    def _hashed(self, password: str) -> str:
        _require_valid({"username": "somebody", "email": "a@b.example", "password": password})
        return Passwords(1).hash_now(password)

    @contextmanager
    def _work(self, *, write: bool = False) -> Iterator[Work]:
        engine = make_engine(self._settings.uri)
        try:
            migrations.require_current(engine)
            bound = engine.execution_options(**{IMMEDIATE: write})
            with closing(Work(bound.connect, self._clock, Links(self._settings.api_path))) as work:
                yield work
                work.commit()
        finally:
            engine.dispose()


def _find(session: Session, username: str) -> User:
    user = session.scalar(select(User).where(User.username == username))
    if user is None:
        raise NotFound(f"there is no user {username}; `hanse server user list` names them all")
    return user


def _find_organization(session: Session, wanted: str) -> Organization:
    number = int(wanted) if wanted.isdigit() else None
    found = session.scalars(
        select(Organization)
        .where(or_(Organization.name == wanted, Organization.id == number))
        .order_by(Organization.id)
    ).first()
    if found is None:
        names = session.scalars(select(Organization.name).order_by(Organization.id).limit(20)).all()
        raise NotFound(f"there is no organization {wanted}; there are: {', '.join(names) or 'none'}")
    return found


def _find_role(session: Session, name: str, organization_id: int) -> Role:
    fitting = or_(Role.organization_id.is_(None), Role.organization_id == organization_id)
    roles = session.scalars(select(Role).where(fitting, Role.name.not_in(IDENTITY_ROLES)).order_by(Role.id)).all()
    found = next((role for role in roles if role.name == name), None)
    if found is None:
        raise NotFound(f"there is no role {name} for this user; there are: {', '.join(role.name for role in roles)}")
    return found


def _held(user: User, name: str) -> Role:
    role = next((role for role in user.roles if role.name == name), None)
    if role is None:
        raise Invalid(f"{user.username} does not hold the role {name}; nothing was changed")
    return role


def _require_a_root(session: Session) -> None:
    holders = select(func.count()).select_from(User).where(User.roles.any(Role.name == ROOT_ROLE))
    if not session.scalar(holders):
        raise Conflict(f"nobody would hold the role {ROOT_ROLE} any more; give it to somebody else first")


def _require_valid(fields: Mapping[str, str]) -> None:
    try:
        UserCreate.model_validate(fields)
    except ValidationError as error:
        told: dict[str, list[str]] = {}
        for problem in error.errors(include_input=False, include_url=False):
            told.setdefault(str(problem["loc"][0]), []).append(wording(problem))
        raise Invalid("this cannot be stored", errors=told) from error
