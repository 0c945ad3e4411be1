"""What can be done with studies and their members."""

from typing import Any, cast

from sqlalchemy import Select, Table, delete, insert, select

from hanse_core.errors import Denied, Invalid, NotFound
from hanse_core.permissions import Operation, Resource, Scope
from hanse_core.wire.collaborations import StudyCreate, StudyPatch
from hanse_server.accounts.models import Organization, study_member
from hanse_server.accounts.queries import visible_organizations
from hanse_server.collaborations import rules
from hanse_server.collaborations.models import Collaboration, Study
from hanse_server.collaborations.queries import (
    member_ids,
    study_member_ids,
    study_members,
    study_tasks,
    visible_collaborations,
    visible_studies,
)
from hanse_web.access import Actor
from hanse_web.query import Parameters, contains, ordered
from hanse_web.work import Work

SORTABLE = {"id": Study.id, "name": Study.name, "collaboration_id": Study.collaboration_id}


class Studies:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: Actor) -> None:
        self._work = work
        self._session = work.session
        self._actor = actor

    def selection(self, parameters: Parameters) -> Select[Any]:
        """Select the studies that a list shows."""
        rules.require_any_scope(self._actor, Resource.STUDY)
        statement = visible_studies(self._actor).where(contains(Study.name, parameters.text("name")))
        organization_id = parameters.integer("organization_id")
        if organization_id is not None:
            self._may_filter_by_organization(organization_id)
            of_organization = select(study_member.c.study_id).where(study_member.c.organization_id == organization_id)
            statement = statement.where(Study.id.in_(of_organization))
        collaboration_id = parameters.integer("collaboration_id")
        if collaboration_id is not None:
            self._may_filter_by_collaboration(collaboration_id)
            statement = statement.where(Study.collaboration_id == collaboration_id)
        return ordered(statement, parameters.text("sort"), SORTABLE, Study.id)

    def _may_filter_by_organization(self, organization_id: int) -> None:
        is_wide = self._actor.reaches(Resource.STUDY, Operation.VIEW, Scope.COLLABORATION)
        if not is_wide and organization_id != self._actor.organization_id:
            raise Denied("you may only list the studies of your own organization")

    def _may_filter_by_collaboration(self, collaboration_id: int) -> None:
        is_global = self._actor.has(Resource.STUDY, Operation.VIEW, Scope.GLOBAL)
        if not is_global and collaboration_id not in self._actor.collaboration_ids:
            raise Denied("you may only list the studies of your own collaborations")

    def get(self, study_id: int) -> Study:
        """Find one that the actor may view."""
        found = self._session.scalar(visible_studies(self._actor).where(Study.id == study_id))
        if found is None:
            raise NotFound(f"study {study_id} is not found")
        return found

    def create(self, body: StudyCreate) -> Study:
        """Make a study of some members of a collaboration."""
        self._require_collaboration(body.collaboration_id)
        if not self._actor.may_for_collaboration(Resource.STUDY, Operation.CREATE, body.collaboration_id):
            raise Denied("you may not create studies in this collaboration")
        self._require_free_name(body.name)
        self._require_members(body.collaboration_id, body.organization_ids)
        made = Study(name=body.name, collaboration_id=body.collaboration_id)
        self._session.add(made)
        self._session.flush()
        self._add(made.id, body.organization_ids)
        return made

    def patch(self, study_id: int, body: StudyPatch) -> Study:
        """Change name or members; the collaboration of a study is fixed."""
        found = self._changeable(study_id, Operation.EDIT)
        if body.name is not None and body.name != found.name:
            self._require_free_name(body.name)
            found.name = body.name
        if body.organization_ids is not None:
            self._require_members(found.collaboration_id, body.organization_ids)
            self._session.execute(delete(study_member).where(study_member.c.study_id == found.id))
            self._add(found.id, body.organization_ids)
        return found

    def delete(self, study_id: int, *, delete_dependents: bool) -> None:
        """Remove a study; its tasks only where that was asked."""
        found = self._changeable(study_id, Operation.DELETE)
        count = study_tasks(self._session, found.id)
        if count and not delete_dependents:
            raise Invalid(f"study {found.id} has {count} tasks; delete them first, or set delete_dependents=true")
        self._work.erase(cast(Table, Study.__table__), found.id)
        self._session.execute(delete(Study).where(Study.id == found.id))

    def add_organization(self, study_id: int, organization_id: int) -> Select[Organization]:
        """Make a member of the collaboration a member of the study; gives the members."""
        found = self._with_changeable_members(study_id)
        self._require_organization(organization_id)
        rules.require_members([organization_id], member_ids(self._session, found.collaboration_id))
        if organization_id not in study_member_ids(self._session, study_id):
            self._add(study_id, [organization_id])
        return study_members(study_id)

    def remove_organization(self, study_id: int, organization_id: int) -> Select[Organization]:
        """End a membership; gives the remaining members."""
        self._with_changeable_members(study_id)
        if organization_id not in study_member_ids(self._session, study_id):
            raise NotFound(f"organization {organization_id} is not in study {study_id}")
        condition = study_member.c.study_id == study_id, study_member.c.organization_id == organization_id
        self._session.execute(delete(study_member).where(*condition))
        return study_members(study_id)

    def _changeable(self, study_id: int, operation: Operation) -> Study:
        found = self.get(study_id)
        members = study_member_ids(self._session, study_id)
        if not rules.may_for_study(self._actor, operation, found.collaboration_id, members):
            raise Denied(f"you may not {operation.name.lower()} this study")
        return found

    def _with_changeable_members(self, study_id: int) -> Study:
        found = self.get(study_id)
        if not self._actor.may_for_collaboration(Resource.STUDY, Operation.EDIT, found.collaboration_id):
            raise Denied("you may not change who is in this study")
        return found

    def _require_collaboration(self, collaboration_id: int) -> None:
        statement = visible_collaborations(self._actor).where(Collaboration.id == collaboration_id)
        if self._session.scalar(statement) is None:
            raise NotFound(f"collaboration {collaboration_id} is not found")

    def _require_organization(self, organization_id: int) -> None:
        statement = visible_organizations(self._actor).where(Organization.id == organization_id)
        if self._session.scalar(statement) is None:
            raise NotFound(f"organization {organization_id} is not found")

    def _require_free_name(self, name: str) -> None:
        if self._session.scalar(select(Study.id).where(Study.name == name)) is not None:
            raise Invalid(f"a study named {name!r} exists already", errors={"name": ["is taken"]})

    def _require_members(self, collaboration_id: int, organization_ids: list[int]) -> None:
        rules.require_distinct(organization_ids)
        rules.require_members(organization_ids, member_ids(self._session, collaboration_id))

    def _add(self, study_id: int, organization_ids: list[int]) -> None:
        rows = [{"study_id": study_id, "organization_id": key} for key in organization_ids]
        self._session.execute(insert(study_member), rows)
