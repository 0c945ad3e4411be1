"""The import file of v4: organizations, users, collaborations, nodes and example tasks as YAML."""

import base64
import json
import re
import uuid
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.errors import Invalid
from hanse_core.states import RunStatus
from hanse_core.wire.accounts import EMAIL
from hanse_server.accounts.models import Organization, Role, Rule, User
from hanse_server.collaborations.keys import hash_of
from hanse_server.collaborations.models import Collaboration, Node
from hanse_server.collaborations.rules import node_name
from hanse_server.tasks.models import Job, Run, Task
from hanse_server.transfer.carrying import NO_ADDRESS
from hanse_server.transfer.report import Report
from hanse_web.clock import Clock

SUPER_ROLE = "super"
EXAMPLE_INPUT = base64.b64encode(json.dumps({"a": "b"}).encode()).decode()
T = TypeVar("T")


def _nothing(value: object) -> object:
    return [] if value is None else value


def _text(value: object) -> object:
    return "" if value is None else str(value)


Text = Annotated[str, BeforeValidator(_text)]
Many = Annotated[list[T], BeforeValidator(_nothing)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


class UserPart(_Part):
    username: Annotated[str, Field(min_length=1, max_length=128)]
    password: Annotated[str, Field(min_length=1, max_length=128, repr=False)]
    firstname: Text = ""
    lastname: Text = ""
    email: str | None = None
    roles: list[str] | None = None
    """Ours: names of roles; without it v4's meaning, a role with all rules."""


class OrganizationPart(_Part):
    name: Annotated[str, Field(min_length=1)]
    domain: Text = ""
    address1: Text = ""
    address2: Text = ""
    zipcode: Text = ""
    country: Text = ""
    public_key: Text = ""
    users: Many[UserPart] = []


class ParticipantPart(_Part):
    name: Annotated[str, Field(min_length=1)]
    api_key: uuid.UUID


class CollaborationPart(_Part):
    name: Annotated[str, Field(min_length=1)]
    encrypted: bool = True
    participants: Many[ParticipantPart] = []
    tasks: Many[str] = []


class Fixtures(_Part):
    """What an import file says."""

    organizations: Many[OrganizationPart] = []
    collaborations: Many[CollaborationPart] = []


def parse(data: object) -> Fixtures:
    """Read an import file. Raises `Invalid` with each place that is wrong."""
    try:
        return Fixtures.model_validate(data)
    except ValidationError as error:
        told: dict[str, list[str]] = {}
        for problem in error.errors(include_input=False, include_url=False):
            told.setdefault(".".join(map(str, problem["loc"])), []).append(problem["msg"])
        raise Invalid("the import file is not valid; nothing was changed", errors=told) from error


class FixtureImport:
    """Adds what is not there yet by its name. What is there stays as it is; a contradiction refuses the whole file."""

    def __init__(self, session: Session, clock: Clock, hash_password: Callable[[str], str]) -> None:
        self._session = session
        self._clock = clock
        self._hash = hash_password
        self._conflicts: dict[str, list[str]] = {}
        self.report = Report()

    def run(self, fixtures: Fixtures) -> Report:
        """Add everything, or raise `Invalid` with all contradictions."""
        for organization in fixtures.organizations:
            self._organization(organization)
        for collaboration in fixtures.collaborations:
            self._collaboration(collaboration)
        if self._conflicts:
            raise Invalid("the import file contradicts the database; nothing was changed", errors=self._conflicts)
        self._session.flush()
        self.report.note("keys of the file that mean nothing", sorted(_unknown(fixtures)))
        return self.report

    def _find(self, model: type[T], **fields: Any) -> T | None:
        return self._session.scalar(select(model).filter_by(**fields))

    def _counted(self, kind: str, is_new: bool) -> None:
        self.report.count(f"{kind} added" if is_new else f"{kind} there already, left as they are")

    def _conflict(self, where: str, text: str) -> None:
        self._conflicts.setdefault(where, []).append(text)

    def _organization(self, part: OrganizationPart) -> None:
        found = self._find(Organization, name=part.name)
        self._counted("organizations", found is None)
        if found is None:
            names = ("name", "domain", "address1", "address2", "zipcode", "country", "public_key")
            found = Organization(**{name: getattr(part, name) for name in names})
            self._session.add(found)
            self._session.flush()
        for user in part.users:
            self._user(user, found)

    def _user(self, part: UserPart, organization: Organization) -> None:
        found = self._find(User, username=part.username)
        if found is not None and found.organization_id != organization.id:
            self._conflict(f"user {part.username}", f"belongs to {found.organization.name}, not to {organization.name}")
            return
        self._counted("users", found is None)
        if found is not None:
            return
        email = part.email or (part.username if re.fullmatch(EMAIL, part.username) else None)
        if email is not None and self._find(User, email=email) is not None:
            self._conflict(f"user {part.username}", f"the address {email} belongs to another user")
            return
        made = User(
            username=part.username,
            email=email or f"{part.username}{NO_ADDRESS}",
            password=self._hash(part.password),
            firstname=part.firstname,
            lastname=part.lastname,
            organization_id=organization.id,
            roles=self._roles(part, organization),
        )
        self._session.add(made)
        self._session.flush()

    def _roles(self, part: UserPart, organization: Organization) -> list[Role]:
        if part.roles is None:
            self.report.count("of them hold all rules, as the file says nothing about `roles`")
            return [self._super_role(organization)]
        roles = []
        for name in part.roles:
            role = self._find(Role, name=name, organization_id=organization.id)
            role = role or self._find(Role, name=name, organization_id=None)
            if role is None:
                self._conflict(f"user {part.username}", f"there is no role {name}")
            else:
                roles.append(role)
        return roles

    def _super_role(self, organization: Organization) -> Role:
        role = self._find(Role, name=SUPER_ROLE, organization_id=organization.id)
        if role is None:
            rules = list(self._session.scalars(select(Rule)))
            role = Role(name=SUPER_ROLE, description="Super user", organization_id=organization.id, rules=rules)
            self._session.add(role)
            self._session.flush()
        return role

    def _collaboration(self, part: CollaborationPart) -> None:
        found = self._find(Collaboration, name=part.name)
        self._counted("collaborations", found is None)
        is_new = found is None
        if found is None:
            found = Collaboration(name=part.name, encrypted=part.encrypted)
            self._session.add(found)
            self._session.flush()
        elif found.encrypted != part.encrypted:
            self._conflict(f"collaboration {part.name}", "the file and the database differ about encryption")
        for participant in part.participants:
            self._participant(participant, found)
        for image in part.tasks if is_new else ():
            self._task(image, found)

    def _participant(self, part: ParticipantPart, collaboration: Collaboration) -> None:
        where = f"collaboration {collaboration.name}"
        organization = self._find(Organization, name=part.name)
        if organization is None:
            self._conflict(where, f"there is no organization {part.name}")
            return
        if organization not in collaboration.organizations:
            collaboration.organizations.append(organization)
        hashed = hash_of(str(part.api_key))
        found = self._find(Node, organization_id=organization.id, collaboration_id=collaboration.id)
        holder = self._find(Node, api_key_hash=hashed)
        if found is not None and holder is not found:
            self._conflict(where, f"the node of {part.name} has another API key")
        elif found is None and holder is not None:
            self._conflict(where, f"{part.name} needs an API key of its own: {holder.name} has the same")
        else:
            self._counted("nodes", found is None)
        if found is None and holder is None:
            name = node_name(organization.name, collaboration.name)
            keys = {"organization_id": organization.id, "collaboration_id": collaboration.id}
            self._session.add(Node(name=name, api_key_hash=hashed, **keys))
            self._session.flush()

    def _task(self, image: str, collaboration: Collaboration) -> None:
        job, now = Job(), self._clock.now()
        self._session.add(job)
        self._session.flush()
        places = collaboration.organizations
        first = self._session.scalars(select(User).order_by(User.id)).first()
        task = Task(
            name="Example task",
            image=image,
            job_id=job.id,
            collaboration_id=collaboration.id,
            init_org_id=places[0].id if places else None,
            init_user_id=first.id if first else None,
            created_at=now,
        )
        task.runs = [
            Run(organization_id=place.id, input=EXAMPLE_INPUT, status=RunStatus.PENDING.value, assigned_at=now)
            for place in places
        ]
        self._session.add(task)
        self._session.flush()
        self._counted("tasks", True)


def _unknown(part: BaseModel, where: str = "") -> set[str]:
    """Name the keys that the file has and nobody reads."""
    found = {f"{where}{name}" for name in part.model_extra or ()}
    for name in type(part).model_fields:
        value = getattr(part, name)
        for one in value if isinstance(value, list) else ():
            if isinstance(one, BaseModel):
                found |= _unknown(one, f"{where}{name}.")
    return found
