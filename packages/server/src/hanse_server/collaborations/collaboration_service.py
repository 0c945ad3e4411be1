"""What can be done with collaborations and their members."""

from collections.abc import Collection
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, delete, insert, select, true

from hanse_core.errors import Conflict, Denied, Invalid, NotFound
from hanse_core.permissions import Operation, Resource, Scope
from hanse_core.wire.collaborations import CollaborationCreate, CollaborationPatch
from hanse_server.accounts.models import Identity, Organization, member, study_member
from hanse_server.accounts.queries import visible_organizations
from hanse_server.accounts.rules import IDENTITY_REVOKED
from hanse_server.collaborations import rules
from hanse_server.collaborations.models import Collaboration, Node, Study
from hanse_server.collaborations.node_service import require_no_node
from hanse_server.collaborations.queries import (
    delete_unused_stores,
    dependents,
    member_ids,
    members,
    open_tasks,
    store,
    visible_collaborations,
    visible_nodes,
)
from hanse_web.access import Actor
from hanse_web.query import Parameters, contains, ordered
from hanse_web.work import Work

SORTABLE = {"id": Collaboration.id, "name": Collaboration.name, "encrypted": Collaboration.encrypted}


class Collaborations:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: Actor) -> None:
        self._work = work
        self._session = work.session
        self._actor = actor

    def selection(self, parameters: Parameters) -> Select[Any]:
        """Select the collaborations that a list shows."""
        rules.require_any_scope(self._actor, Resource.COLLABORATION)
        statement = visible_collaborations(self._actor).where(contains(Collaboration.name, parameters.text("name")))
        encrypted = parameters.optional_flag("encrypted")
        if encrypted is not None:
            statement = statement.where(Collaboration.encrypted.is_(encrypted))
        organization_id = parameters.integer("organization_id")
        if organization_id is not None:
            self._may_filter_by(organization_id)
            of_organization = select(member.c.collaboration_id).where(member.c.organization_id == organization_id)
            statement = statement.where(Collaboration.id.in_(of_organization))
        store_id = parameters.integer("algorithm_store_id")
        if store_id is not None:
            statement = statement.where(self._of_store(store_id))
        return ordered(statement, parameters.text("sort"), SORTABLE, Collaboration.id)

    def _of_store(self, store_id: int) -> ColumnElement[bool]:
        """Restrict to the collaborations that may use a store; one for all restricts nothing."""
        found = store(self._session, store_id)
        is_global = self._actor.has(Resource.COLLABORATION, Operation.VIEW, Scope.GLOBAL)
        if found is None or not (is_global or found.is_for_all or self._actor.collaboration_ids & found.ids):
            raise NotFound(f"algorithm store {store_id} is not found")
        return true() if found.is_for_all else Collaboration.id.in_(found.ids)

    def _may_filter_by(self, organization_id: int) -> None:
        is_global = self._actor.has(Resource.COLLABORATION, Operation.VIEW, Scope.GLOBAL)
        if not is_global and organization_id != self._actor.organization_id:
            raise Denied("you may only list the collaborations of your own organization")

    def get(self, collaboration_id: int) -> Collaboration:
        """Find one that the actor may view."""
        found = self._session.scalar(visible_collaborations(self._actor).where(Collaboration.id == collaboration_id))
        if found is None:
            raise NotFound(f"collaboration {collaboration_id} is not found")
        return found

    def create(self, body: CollaborationCreate) -> Collaboration:
        """Found a collaboration of existing organizations."""
        if not self._actor.has(Resource.COLLABORATION, Operation.CREATE, Scope.GLOBAL):
            raise Denied("you may not create collaborations")
        self._require_free_name(body.name)
        self._require_known(body.organization_ids)
        made = Collaboration(name=body.name, encrypted=body.encrypted, **body.kept_days())
        self._session.add(made)
        self._session.flush()
        self._add(made.id, body.organization_ids)
        return made

    def patch(self, collaboration_id: int, body: CollaborationPatch) -> Collaboration:
        """Change name, encryption or members."""
        found = self._changeable(collaboration_id, Operation.EDIT)
        if body.name is not None and body.name != found.name:
            self._require_free_name(body.name)
            found.name = body.name
        if body.encrypted is not None and body.encrypted != found.encrypted:
            if open_tasks(self._session, found.id):
                raise Conflict("encryption cannot be switched while tasks are running; wait for them or kill them")
            found.encrypted = body.encrypted
        for name, days in body.kept_days().items():
            setattr(found, name, days)
        if body.organization_ids is not None:
            self._replace_members(found.id, body.organization_ids)
        return found

    def _replace_members(self, collaboration_id: int, organization_ids: list[int]) -> None:
        if not self._actor.has(Resource.COLLABORATION, Operation.EDIT, Scope.GLOBAL):
            raise Denied("only those who may edit all collaborations may change which organizations are members")
        self._require_known(organization_ids)
        present = member_ids(self._session, collaboration_id)
        self._remove(collaboration_id, present - set(organization_ids))
        self._add(collaboration_id, [key for key in organization_ids if key not in present])

    def delete(self, collaboration_id: int, *, delete_dependents: bool) -> None:
        """Dissolve a collaboration; its tasks, nodes and studies only where that was asked."""
        found = self._changeable(collaboration_id, Operation.DELETE)
        counts = dependents(self._session, found.id)
        if any(counts.values()) and not delete_dependents:
            text = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise Invalid(f"collaboration {found.id} has {text}; delete them first, or set delete_dependents=true")
        self._work.erase(cast(Table, Collaboration.__table__), found.id)
        node_ids = list(self._session.scalars(select(Node.id).where(Node.collaboration_id == found.id)))
        for node_id in node_ids:
            self._work.tell(IDENTITY_REVOKED, {"id": node_id})
        self._session.execute(delete(Identity).where(Identity.id.in_(node_ids)))
        self._session.execute(delete(Collaboration).where(Collaboration.id == found.id))
        delete_unused_stores(self._session)

    def add_organization(self, collaboration_id: int, organization_id: int) -> Select[Organization]:
        """Make an organization a member; gives the members. Only with global scope: it opens data to newcomers."""
        self._changeable(collaboration_id, Operation.EDIT)
        if not self._actor.has(Resource.COLLABORATION, Operation.EDIT, Scope.GLOBAL):
            raise Denied(
                "only those who may edit all collaborations may add an organization; invite it with "
                "POST /invitation/organization, and it joins when one of its administrators accepts"
            )
        self._organization(organization_id)
        if organization_id not in member_ids(self._session, collaboration_id):
            self._add(collaboration_id, [organization_id])
        return members(collaboration_id)

    def remove_organization(self, collaboration_id: int, organization_id: int) -> Select[Organization]:
        """End a membership; the organization's node leaves with it. Gives the remaining members."""
        self._changeable(collaboration_id, Operation.EDIT)
        if organization_id not in member_ids(self._session, collaboration_id):
            raise NotFound(f"organization {organization_id} is not in collaboration {collaboration_id}")
        self._remove(collaboration_id, {organization_id})
        return members(collaboration_id)

    def add_node(self, collaboration_id: int, node_id: int) -> Select[Node]:
        """Put an existing node into a collaboration; gives all its nodes."""
        self._changeable(collaboration_id, Operation.EDIT)
        node = self._node(node_id)
        if node.collaboration_id == collaboration_id:
            raise Invalid(f"node {node_id} is already in collaboration {collaboration_id}")
        if node.organization_id not in member_ids(self._session, collaboration_id):
            raise Invalid(
                f"the organization of node {node_id} is not in collaboration {collaboration_id}; add it first"
            )
        self._require_owner(node)
        self._require_leaving_is_allowed(node)
        require_no_node(self._work, node.organization_id, collaboration_id)
        self._move(node, collaboration_id)
        return select(Node).where(Node.collaboration_id == collaboration_id).order_by(Node.id)

    def remove_node(self, collaboration_id: int, node_id: int) -> None:
        """Take a node out of a collaboration; it stays, but can do nothing until it is put into one again."""
        self._changeable(collaboration_id, Operation.EDIT)
        node = self._node(node_id)
        if node.collaboration_id != collaboration_id:
            raise Invalid(f"node {node_id} is not in collaboration {collaboration_id}")
        self._move(node, None)

    def _require_owner(self, node: Node) -> None:
        """Where a station's data may be used is for its organization to say, not for a partner."""
        if not self._actor.may_for_organization(Resource.NODE, Operation.EDIT, node.organization_id):
            raise Denied(f"node {node.id} belongs to another organization; you may not put it into a collaboration")

    def _require_leaving_is_allowed(self, node: Node) -> None:
        left = node.collaboration_id
        if left is not None and not self._actor.may_for_collaboration(Resource.COLLABORATION, Operation.EDIT, left):
            raise Denied(f"node {node.id} is in another collaboration, from which you may not take it")

    def _move(self, node: Node, collaboration_id: int | None) -> None:
        node.collaboration_id = collaboration_id
        node.token_version += 1
        self._session.flush()
        self._work.tell(IDENTITY_REVOKED, {"id": node.id})

    def _changeable(self, collaboration_id: int, operation: Operation) -> Collaboration:
        found = self.get(collaboration_id)
        if not self._actor.may_for_collaboration(Resource.COLLABORATION, operation, collaboration_id):
            raise Denied(f"you may not {operation.name.lower()} this collaboration")
        return found

    def _node(self, node_id: int) -> Node:
        found = self._session.scalar(visible_nodes(self._actor).where(Node.id == node_id))
        if found is None:
            raise NotFound(f"node {node_id} is not found")
        return found

    def _organization(self, organization_id: int) -> None:
        statement = visible_organizations(self._actor).where(Organization.id == organization_id)
        if self._session.scalar(statement) is None:
            raise NotFound(f"organization {organization_id} is not found")

    def _require_free_name(self, name: str) -> None:
        if self._session.scalar(select(Collaboration.id).where(Collaboration.name == name)) is not None:
            raise Invalid(f"a collaboration named {name!r} exists already", errors={"name": ["is taken"]})

    def _require_known(self, organization_ids: list[int]) -> None:
        rules.require_distinct(organization_ids)
        found = self._session.scalars(select(Organization.id).where(Organization.id.in_(organization_ids)))
        rules.require_known(organization_ids, list(found))

    def _add(self, collaboration_id: int, organization_ids: list[int]) -> None:
        rows = [{"collaboration_id": collaboration_id, "organization_id": key} for key in organization_ids]
        if rows:
            self._session.execute(insert(member), rows)

    def _remove(self, collaboration_id: int, organization_ids: Collection[int]) -> None:
        """End memberships, also in the studies, and take the nodes out, so that they hear and do nothing more here."""
        if not organization_ids:
            return
        studies = select(Study.id).where(Study.collaboration_id == collaboration_id)
        for table, condition in (
            (member, member.c.collaboration_id == collaboration_id),
            (study_member, study_member.c.study_id.in_(studies)),
        ):
            self._session.execute(delete(table).where(condition, table.c.organization_id.in_(organization_ids)))
        here = Node.organization_id.in_(organization_ids), Node.collaboration_id == collaboration_id
        for node in self._session.scalars(select(Node).where(*here)):
            self._move(node, None)
