"""What can be done with nodes and their API keys."""

from typing import Any

from sqlalchemy import Select, delete, select

from hanse_core.errors import Denied, Invalid, NotFound
from hanse_core.permissions import Operation, Resource
from hanse_core.wire.collaborations import NodeCreate, NodePatch
from hanse_server.accounts import v4_secrets
from hanse_server.accounts.models import Identity, Organization
from hanse_server.accounts.queries import visible_organizations
from hanse_server.accounts.rules import IDENTITY_REVOKED
from hanse_server.collaborations import rules
from hanse_server.collaborations.keys import hash_of, new_key
from hanse_server.collaborations.models import Collaboration, Node, Study
from hanse_server.collaborations.queries import member_ids, study_member_ids, visible_collaborations, visible_nodes
from hanse_web.access import Actor, NodeActor
from hanse_web.query import Parameters, contains, ordered
from hanse_web.work import Work

SORTABLE = {
    "id": Node.id,
    "name": Node.name,
    "status": Node.status,
    "last_seen": Node.last_seen,
    "organization_id": Node.organization_id,
    "collaboration_id": Node.collaboration_id,
}


class Nodes:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: Actor) -> None:
        self._work = work
        self._session = work.session
        self._actor = actor

    def selection(self, parameters: Parameters) -> Select[Any]:
        """Select the nodes that a list shows."""
        rules.require_any_scope(self._actor, Resource.NODE)
        statement = visible_nodes(self._actor).where(contains(Node.name, parameters.text("name")))
        for condition in (*self._by_belonging(parameters), *_by_state(parameters)):
            statement = statement.where(condition)
        return ordered(statement, parameters.text("sort"), SORTABLE, Node.id)

    def _by_belonging(self, parameters: Parameters) -> list[Any]:
        conditions: list[Any] = []
        organization_id = parameters.integer("organization_id")
        if organization_id is not None:
            if not self._actor.may_for_organization(Resource.NODE, Operation.VIEW, organization_id):
                raise Denied("you may not view the nodes of this organization")
            conditions.append(Node.organization_id == organization_id)
        collaboration_id = parameters.integer("collaboration_id")
        if collaboration_id is not None:
            self._require_collaboration_scope(collaboration_id)
            conditions.append(Node.collaboration_id == collaboration_id)
        study_id = parameters.integer("study_id")
        if study_id is not None:
            of_study = self._session.scalar(select(Study.collaboration_id).where(Study.id == study_id)) or 0
            self._require_collaboration_scope(of_study)
            conditions.append(Node.collaboration_id == of_study)
            conditions.append(Node.organization_id.in_(study_member_ids(self._session, study_id)))
        return conditions

    def _require_collaboration_scope(self, collaboration_id: int) -> None:
        own_only = isinstance(self._actor, NodeActor) and collaboration_id == self._actor.collaboration_id
        if not own_only and not self._actor.may_for_collaboration(Resource.NODE, Operation.VIEW, collaboration_id):
            raise Denied("you may not view the nodes of this collaboration")

    def get(self, node_id: int) -> Node:
        """Find one that the actor may view."""
        found = self._session.scalar(visible_nodes(self._actor).where(Node.id == node_id))
        if found is None:
            raise NotFound(f"node {node_id} is not found")
        return found

    def create(self, body: NodeCreate) -> tuple[Node, str]:
        """Register a node; gives it and its API key, which is not stored and cannot be shown again."""
        collaboration = self._collaboration(body.collaboration_id)
        organization = self._organization(body.organization_id or self._actor.organization_id)
        if not self._actor.may_for_organization(Resource.NODE, Operation.CREATE, organization.id):
            raise Denied("you may not create nodes for this organization")
        if organization.id not in member_ids(self._session, collaboration.id):
            raise Invalid(f"organization {organization.id} is not in collaboration {collaboration.id}")
        require_no_node(self._work, organization.id, collaboration.id)
        name = body.name or rules.node_name(organization.name, collaboration.name)
        self._require_free_name(name)
        key = new_key()
        made = Node(
            name=name,
            organization_id=organization.id,
            collaboration_id=collaboration.id,
            api_key_hash=hash_of(key),
            token_version=0,
        )
        self._session.add(made)
        self._session.flush()
        return made, key

    def patch(self, node_id: int, body: NodePatch) -> Node:
        """Change name or address; a node may change only itself."""
        fixed = body.model_fields_set & {"organization_id", "collaboration_id"}
        if fixed:
            raise Invalid("a node cannot be moved", errors={field: ["cannot be changed"] for field in sorted(fixed)})
        found = self._changeable(node_id, Operation.EDIT)
        if body.name is not None and body.name != found.name:
            self._require_free_name(body.name)
            found.name = body.name
        if body.ip is not None:
            found.ip = str(body.ip)
        if body.clear_ip:
            found.ip = None
        self._session.flush()
        return found

    def delete(self, node_id: int) -> None:
        """Remove a node; its runs stay."""
        found = self._changeable(node_id, Operation.DELETE)
        self._session.execute(delete(Identity).where(Identity.id == found.id))
        self._work.tell(IDENTITY_REVOKED, {"id": found.id})

    def renew_key(self, node_id: int) -> str:
        """Replace the API key; the old one and all tokens that came of it end at once."""
        found = self._changeable(node_id, Operation.EDIT)
        key = new_key()
        found.api_key_hash, found.api_key_bcrypt = hash_of(key), None
        found.token_version += 1
        v4_secrets.forget(self._session, found.id)
        self._session.flush()
        self._work.tell(IDENTITY_REVOKED, {"id": found.id})
        return key

    def _changeable(self, node_id: int, operation: Operation) -> Node:
        found = self.get(node_id)
        is_foreign = isinstance(self._actor, NodeActor) and found.id != self._actor.id
        if is_foreign or not self._actor.may_for_organization(Resource.NODE, operation, found.organization_id):
            raise Denied(f"you may not {operation.name.lower()} this node")
        return found

    def _collaboration(self, collaboration_id: int) -> Collaboration:
        found = self._session.scalar(visible_collaborations(self._actor).where(Collaboration.id == collaboration_id))
        if found is None:
            raise NotFound(f"collaboration {collaboration_id} is not found")
        return found

    def _organization(self, organization_id: int) -> Organization:
        found = self._session.scalar(visible_organizations(self._actor).where(Organization.id == organization_id))
        if found is None:
            raise NotFound(f"organization {organization_id} is not found")
        return found

    def _require_free_name(self, name: str) -> None:
        if self._session.scalar(select(Node.id).where(Node.name == name)) is not None:
            raise Invalid(f"a node named {name!r} exists already", errors={"name": ["is taken"]})


def require_no_node(work: Work, organization_id: int, collaboration_id: int) -> None:
    """Refuse a second node of an organization in a collaboration."""
    statement = select(Node.id).where(
        Node.organization_id == organization_id, Node.collaboration_id == collaboration_id
    )
    if work.session.scalar(statement) is not None:
        raise Invalid(
            f"organization {organization_id} already has a node in collaboration {collaboration_id}",
            errors={"organization_id": ["already has a node in this collaboration"]},
        )


def _by_state(parameters: Parameters) -> list[Any]:
    conditions: list[Any] = []
    status = parameters.text("status")
    if status is not None:
        conditions.append(Node.status == status if status != "offline" else Node.status.is_distinct_from("online"))
    ip = parameters.text("ip")
    if ip is not None:
        conditions.append(Node.ip == ip)
    since, till = parameters.moment("last_seen_from"), parameters.moment("last_seen_till")
    if since is not None:
        conditions.append(Node.last_seen >= since)
    if till is not None:
        conditions.append(Node.last_seen <= till)
    return conditions
