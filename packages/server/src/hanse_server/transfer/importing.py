"""A v4 database into an empty one of ours: every id stays what it was."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hanse_server.accounts.bootstrap import ensure_rules_and_roles
from hanse_server.accounts.models import Identity, Organization, Role
from hanse_server.collaborations.models import Collaboration, Study
from hanse_server.stores.models import AlgorithmStore
from hanse_server.tasks.models import Job, Run, Task
from hanse_server.transfer import import_accounts, import_collaborations, import_rights, import_stores, import_tasks, v4
from hanse_server.transfer.carrying import Import, table
from hanse_server.transfer.large_values import LargeValues
from hanse_server.transfer.report import Report
from hanse_server.transfer.rows import continue_after, last_given

SEQUENCES: tuple[tuple[type[Any], Table], ...] = (
    (Organization, v4.organization),
    (Identity, v4.identity),
    (Role, v4.role),
    (Collaboration, v4.collaboration),
    (Study, v4.study),
    (AlgorithmStore, v4.store),
    (Task, v4.task),
    (Run, v4.run),
)


def import_database(work: Import, values: LargeValues) -> Report:
    """Carry everything over; the caller commits."""
    import_accounts.organizations(work)
    carried = import_rights.roles(work)
    with Session(work.target) as session:
        ensure_rules_and_roles(session)
        session.flush()
    import_rights.rules_of_roles(work, carried)
    import_accounts.users(work)
    import_rights.rights_of_users(work)
    import_collaborations.collaborations(work)
    import_collaborations.nodes(work)
    import_collaborations.studies(work)
    import_tasks.tasks(work, import_stores.stores(work))
    import_tasks.runs(work, values)
    # An id is never given out twice, also not one of what was left out: an old token or link would fit something new.
    for model, former in SEQUENCES:
        continue_after(work.target, table(model), last_given(work.source, former))
    continue_after(work.target, table(Job), 0)
    return work.report
