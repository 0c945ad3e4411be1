"""What can be done with organizations."""

from collections.abc import Collection, Iterator
from typing import Any, cast

from sqlalchemy import Select, Table, delete, func, select
from sqlalchemy.orm import Session

from hanse_core.errors import Denied, Invalid, NotFound
from hanse_core.permissions import Operation, Resource, Scope
from hanse_core.wire.accounts import OrganizationCreate, OrganizationPatch
from hanse_server.accounts import rules
from hanse_server.accounts.actors import end_weaker_logins_at
from hanse_server.accounts.models import Organization
from hanse_server.accounts.queries import (
    collaboration_of_study,
    identities_of,
    organizations_in_collaboration,
    organizations_in_study,
    visible_organizations,
)
from hanse_web.access import Actor, NodeActor, UserActor
from hanse_web.alike import made_once, values_of
from hanse_web.dependents import count_dependents, delete_dependents
from hanse_web.listing import KEY, Listing
from hanse_web.query import Parameters, contains, ordered
from hanse_web.work import Work

SORTABLE = {
    "id": Organization.id,
    "name": Organization.name,
    "domain": Organization.domain,
    "address1": Organization.address1,
    "address2": Organization.address2,
    "zipcode": Organization.zipcode,
    "country": Organization.country,
}
COLUMNS = tuple(cast(Table, Organization.__table__).columns)
ORGANIZATION = Resource.ORGANIZATION


@made_once
def _listed(actor: Actor, sort: str | None) -> Listing:
    return Listing(ordered(visible_organizations(actor).with_only_columns(*COLUMNS), sort, SORTABLE, Organization.id))


@made_once
def _one(actor: Actor) -> Select[Any]:
    return visible_organizations(actor).with_only_columns(*COLUMNS).where(Organization.id == KEY)


class Organizations:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: Actor) -> None:
        self._work = work
        self._actor = actor

    @property
    def _session(self) -> Session:
        return self._work.session

    def list(self, parameters: Parameters) -> Listing:
        """List the columns of the organizations that the actor may see."""
        rules.require_any_view(self._actor, ORGANIZATION)
        return _listed(self._actor, parameters.text("sort")).where(*self._conditions(parameters))

    def _conditions(self, parameters: Parameters) -> Iterator[Any]:
        if name := parameters.text("name"):
            yield contains(Organization.name, name)
        if country := parameters.text("country"):
            yield Organization.country == country
        if ids := parameters.integers("ids"):
            yield Organization.id.in_(ids)
        collaboration_id = parameters.integer("collaboration_id")
        if collaboration_id is not None:
            rules.require_for_collaboration(self._actor, ORGANIZATION, collaboration_id)
            yield Organization.id.in_(organizations_in_collaboration(collaboration_id))
        study_id = parameters.integer("study_id")
        if study_id is not None:
            self._require_study(study_id)
            yield Organization.id.in_(organizations_in_study(study_id))

    def _require_study(self, study_id: int) -> None:
        collaboration_id = collaboration_of_study(self._session, study_id)
        if collaboration_id is None and self._actor.has(ORGANIZATION, Operation.VIEW, Scope.GLOBAL):
            raise Invalid(f"there is no study {study_id}")
        if not self._actor.may_for_collaboration(ORGANIZATION, Operation.VIEW, collaboration_id or 0):
            raise Denied(f"you may not view the organizations of study {study_id}")

    def look_up(self, organization_id: int) -> Any:
        """Find the columns of one organization that the actor may see."""
        values = {**values_of(self._actor), KEY.key: organization_id}
        found = self._work.connection.execute(_one(self._actor), values).one_or_none()
        if found is None:
            raise NotFound(f"organization {organization_id} is not found")
        return found

    def get(self, organization_id: int) -> Organization:
        """Find one organization that the actor may see."""
        statement = visible_organizations(self._actor).where(Organization.id == organization_id)
        found = self._session.scalar(statement)
        if found is None:
            raise NotFound(f"organization {organization_id} is not found")
        return found

    def create(self, body: OrganizationCreate) -> Organization:
        """Add an organization."""
        if not self._actor.has(ORGANIZATION, Operation.CREATE, Scope.GLOBAL):
            raise Denied("you may not create organizations")
        self._require_free(body.name)
        organization = Organization(**body.model_dump())
        self._session.add(organization)
        self._session.flush()
        return organization

    def update(self, organization_id: int, body: OrganizationPatch) -> Organization:
        """Change what is given; the public key only by members, whatever else the actor may do."""
        organization = self.get(organization_id)
        rules.require_for_organization(self._actor, ORGANIZATION, Operation.EDIT, organization_id)
        given = body.given()
        self._refuse_node(given)
        if "public_key" in given:
            self._require_key_change(organization, given["public_key"])
        if given.get("name", organization.name) != organization.name:
            self._require_free(given["name"])
        if "two_factor_required" in given:
            self._require_own_or_all(organization_id)
            if given["two_factor_required"] and not organization.two_factor_required:
                end_weaker_logins_at(self._work, organization_id)
        for name, value in given.items():
            setattr(organization, name, value)
        self._session.flush()
        return organization

    def _require_key_change(self, organization: Organization, key: str) -> None:
        """Leave a published key to administrators: who holds a station's API key could read along otherwise."""
        if self._actor.organization_id != organization.id:
            raise Denied("only members of an organization can change its public key")
        if isinstance(self._actor, NodeActor) and organization.public_key not in ("", key):
            raise Denied(
                "a node cannot replace the public key of its organization; start it with the private key that belongs "
                "to the published one, or have an administrator of the organization change the key"
            )

    def _refuse_node(self, given: Collection[str]) -> None:
        """Leave names and addresses to people: a station has only its key to publish."""
        if isinstance(self._actor, NodeActor) and set(given) - {"public_key"}:
            raise Denied("a node can only publish the public key of its organization")

    def _require_own_or_all(self, organization_id: int) -> None:
        """Refuse partners: how an organization's users log in is not theirs to say."""
        if isinstance(self._actor, UserActor) and self._actor.token_id is not None:
            raise Denied("a personal access token cannot change how people log in; log in")
        is_member = self._actor.organization_id == organization_id and isinstance(self._actor, UserActor)
        if not is_member and not self._actor.has(ORGANIZATION, Operation.EDIT, Scope.GLOBAL):
            raise Denied("only members of an organization can say whether its users need a second factor")

    def delete(self, organization_id: int, *, with_dependents: bool) -> None:
        """Remove an organization, and what hangs on it where that is asked for."""
        organization = self.get(organization_id)
        if not self._actor.has(ORGANIZATION, Operation.DELETE, Scope.GLOBAL):
            raise Denied("you may not delete organizations")
        if organization_id == self._actor.organization_id:
            raise Invalid("you cannot delete your own organization")
        target = cast(Table, Organization.__table__)
        if not with_dependents:
            counts = count_dependents(self._session, target, organization_id)
            rules.refuse_dependents(f"organization {organization.name}", counts)
        self._work.erase(target, organization_id)
        for identity_id in self._session.scalars(identities_of(organization_id)).all():
            self._work.tell(rules.IDENTITY_REVOKED, {"id": identity_id})
        delete_dependents(self._session, target, organization_id)
        self._session.execute(delete(Organization).where(Organization.id == organization_id))

    def _require_free(self, name: str) -> None:
        taken = select(func.count()).select_from(Organization).where(Organization.name == name)
        if self._session.scalar(taken):
            text = "is the name of another organization"
            raise Invalid(f"{name} {text}", errors={"name": [text]})
