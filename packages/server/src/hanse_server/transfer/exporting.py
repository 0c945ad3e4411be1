"""A database of ours into one that the stock v4 server opens."""

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import bcrypt
from sqlalchemy import Boolean, Column, Connection, Select, Table, func, insert, select

from hanse_core.permissions import RULE_IDS
from hanse_server.accounts.models import (
    Identity,
    Organization,
    Role,
    User,
    V4Secret,
    member,
    role_rule,
    study_member,
    user_role,
    user_rule,
)
from hanse_server.collaborations.models import Collaboration, Node, NodeSetting, Study
from hanse_server.stores.models import AlgorithmStore, store_collaboration
from hanse_server.tasks.models import Run, RunPort, Task, TaskDatabase
from hanse_server.transfer import v4
from hanse_server.transfer.carrying import NO_ADDRESS, is_bcrypt, table
from hanse_server.transfer.report import Report
from hanse_server.transfer.rows import LARGE_AT_ONCE, Row, continue_after, copy, highest
from hanse_web.blobs.base import BlobStore
from hanse_web.db import Base
from hanse_web.sealing import Seal

DERIVED = frozenset(
    {"algorithm_store", "blob", "job", "outbox_event", "rule", "store_collaboration", "task_count", "v4_secret"}
)
"""Tables of ours of which nothing is lost although no row is carried as it is."""
CARRIED: Mapping[str, Table] = {
    "organization": v4.organization,
    "identity": v4.identity,
    "role": v4.role,
    "role_rule": v4.role_rule,
    "user_account": v4.user,
    "user_role": v4.user_role,
    "user_rule": v4.user_rule,
    "collaboration": v4.collaboration,
    "member": v4.member,
    "node": v4.node,
    "node_setting": v4.node_config,
    "study": v4.study,
    "study_member": v4.study_member,
    "task": v4.task,
    "task_database": v4.task_database,
    "run": v4.run,
    "run_port": v4.port,
}
"""Our tables, and where their rows go."""

LOST: Mapping[str, Mapping[str, str]] = {
    "organization": {"two_factor_required": "v4 requires a second factor of everybody or of nobody"},
    "collaboration": dict.fromkeys(
        ("keep_inputs_days", "keep_results_days", "keep_logs_days", "keep_blobs_days"),
        "v4 deletes after one time for all collaborations (`runs_data_cleanup_days`)",
    ),
    "task": {"idempotency_key": "v4 makes another task of a repeated request"},
}
"""Columns of carried tables whose values v4 has no place for, and what that means."""
NEEDLESS: Mapping[str, frozenset[str]] = {
    "organization": frozenset({"public_key"}),
    "identity": frozenset({"token_version"}),
    "user_account": frozenset({"last_email_second_factor_sent", "otp_last_step"}),
    "node": frozenset({"api_key_hash", "api_key_bcrypt"}),
    "task": frozenset({"status", "finished_at"}),
    "task_database": frozenset({"label"}),
    "run": frozenset({"version", "input_key", "result_key"}),
}
"""Columns that v4 lacks without loss: under another name there, derived, or only about logins here."""


@dataclass
class Export:
    """From where, to where, and what is said about it."""

    source: Connection
    target: Connection
    seal: Seal
    """Decrypts second factors."""
    values: BlobStore
    """Where values are that were too large for our database; v4 has them in its own."""
    report: Report = field(default_factory=Report)
    unusable: str = field(default_factory=lambda: bcrypt.hashpw(secrets.token_bytes(32), bcrypt.gensalt(12)).decode())
    """A hash of what nobody knows, for those whose secret v4 could not check."""


def export_database(work: Export) -> Report:
    """Carry over all that v4 knows; the caller commits."""
    _rules(work)
    _plain(work, "organizations", Organization, _organization)
    _plain(work, "roles", Role, _role)
    _plain(work, None, Identity, _identity)
    _users(work)
    _plain(work, "collaborations", Collaboration, _same("id", "name", "encrypted"))
    _nodes(work)
    _plain(work, None, NodeSetting, _same("id", "node_id", "key", "value"))
    _plain(work, "studies", Study, _same("id", "name", "collaboration_id"))
    for pairs in (member, study_member, role_rule, user_role, user_rule):
        copy(work.source, select(pairs), work.target, CARRIED[pairs.name], lambda row: row._asdict())
    _stores(work)
    _plain(work, "tasks", Task, _task)
    _plain(work, None, TaskDatabase, _database)
    _plain(work, "runs", Run, lambda row: _run(work.values, row), at_once=LARGE_AT_ONCE)
    _plain(work, None, RunPort, _same("id", "run_id", "port", "label"))
    for name, former in CARRIED.items():
        if "id" in former.c and former.c.id.autoincrement is not False:
            continue_after(work.target, former, highest(work.source, Base.metadata.tables[name]))
    for former in (v4.rule, v4.store):
        continue_after(work.target, former, 0)
    _tell_what_is_ours_only(work)
    return work.report


def _plain(
    work: Export, what: str | None, model: type[Any], convert: Callable[[Row], Mapping[str, Any]], at_once: int = 500
) -> None:
    ours = table(model)
    statement = select(*ours.c).order_by(ours.c.id)
    number = copy(work.source, statement, work.target, CARRIED[ours.name], convert, at_once=at_once)
    if what is not None:
        work.report.count(what, number)


def _same(*names: str) -> Callable[[Row], Mapping[str, Any]]:
    return lambda row: {name: row._mapping[name] for name in names}


def _rules(work: Export) -> None:
    rows = [
        {
            "id": number,
            "name": rule.resource.value,
            "operation": rule.operation.name,
            "scope": rule.scope.name,
            "description": rule.description,
        }
        for rule, number in RULE_IDS.items()
    ]
    work.target.execute(insert(v4.rule), rows)


def _organization(row: Row) -> Mapping[str, Any]:
    same = _same("id", "name", "domain", "address1", "address2", "zipcode", "country")(row)
    return {**same, "_public_key": base64.b64decode(row.public_key)}


def _role(row: Row) -> Mapping[str, Any]:
    return _same("id", "name", "description", "organization_id", "is_default_role")(row)


def _identity(row: Row) -> Mapping[str, Any]:
    return {"id": row.id, "type": row.type, "ip": row.ip, "last_seen": row.last_seen, "status": "offline"}


def _users(work: Export) -> None:
    ours, lost = table(User), list[str]()
    statement = select(ours, V4Secret.hash).outerjoin(V4Secret, V4Secret.identity_id == ours.c.id).order_by(ours.c.id)

    def convert(row: Row) -> Mapping[str, Any]:
        password = row.hash or (row.password if is_bcrypt(row.password) else None)
        if password is None:
            lost.append(row.username)
        names = ("id", "username", "firstname", "lastname", "organization_id", "failed_login_attempts")
        return {
            **_same(*names)(row),
            "password": password or work.unusable,
            "email": None if row.email.endswith(NO_ADDRESS) else row.email,
            "last_login_attempt": row.last_login_attempt,
            "otp_secret": _otp_secret(work, row),
        }

    work.report.count("users", copy(work.source, statement, work.target, v4.user, convert))
    work.report.note(
        "these users set their password here, which v4 could not check: they ask for a new one there "
        "(`POST /recover/lost`, by mail), or an administrator gives them a new account",
        lost,
    )


def _otp_secret(work: Export, row: Row) -> str | None:
    """Give a second factor that is in force; one that was only begun is not."""
    if row.otp_secret is None or row.otp_last_step is None:
        return None
    return work.seal.open(row.otp_secret, str(row.id))


def _nodes(work: Export) -> None:
    ours, lost = table(Node), list[str]()
    statement = select(ours, V4Secret.hash).outerjoin(V4Secret, V4Secret.identity_id == ours.c.id).order_by(ours.c.id)

    def convert(row: Row) -> Mapping[str, Any]:
        hashed = row.hash or (row.api_key_bcrypt if is_bcrypt(row.api_key_bcrypt) else None)
        if hashed is None:
            lost.append(row.name)
        same = _same("id", "name", "collaboration_id", "organization_id")(row)
        return {**same, "api_key": hashed or work.unusable}

    work.report.count("nodes", copy(work.source, statement, work.target, v4.node, convert))
    work.report.note(
        "these nodes got their API key here, which v4 could not check: give each a new one there "
        "(`POST /recover/node`, or `client.node.update`)",
        lost,
    )


def _stores(work: Export) -> None:
    """Write a row for each collaboration that may use a store, as v4 has them."""
    ours = table(AlgorithmStore)
    following = highest(work.source, ours)
    for store in work.source.execute(select(ours).order_by(ours.c.id)).all():
        of = store_collaboration.c
        couplings = select(of.collaboration_id).where(of.store_id == store.id).order_by(of.collaboration_id)
        places = [None] if store.is_for_all else list(work.source.execute(couplings).scalars())
        for number, place in enumerate(places):
            following += 1 if number else 0
            row = {"id": following if number else store.id, "name": store.name, "url": store.url}
            work.target.execute(insert(v4.store), {**row, "collaboration_id": place})
        work.report.count("algorithm stores")


def _task(row: Row) -> Mapping[str, Any]:
    names = ("id", "name", "description", "image", "collaboration_id", "study_id", "job_id", "parent_id")
    return _same(*names, "init_org_id", "init_user_id", "created_at", "algorithm_store_id")(row)


def _database(row: Row) -> Mapping[str, Any]:
    return {"id": row.id, "task_id": row.task_id, "database": row.label, "parameters": row.parameters}


def _run(values: BlobStore, row: Row) -> Mapping[str, Any]:
    names = ("id", "task_id", "organization_id", "assigned_at", "started_at", "finished_at", "status", "log")
    return {
        **_same(*names, "cleanup_at", "blob_storage_used")(row),
        "input": _whole(values, row.input_key) if row.input_key else row.input,
        "result": _whole(values, row.result_key) if row.result_key else row.result,
    }


def _whole(values: BlobStore, key: str) -> str:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in values.open(key)])

    return asyncio.run(read()).decode()


def _tell_what_is_ours_only(work: Export) -> None:
    """Count what v4 has no place for, whichever table or column it is in."""
    for name, columns in LOST.items():
        for column, meaning in columns.items():
            if number := work.source.execute(_given(Base.metadata.tables[name].c[column])).scalar_one():
                work.report.note(f"`{name}.{column}` of {number} rows was left out: {meaning}")
    for ours in Base.metadata.sorted_tables:
        if ours.name in CARRIED or ours.name in DERIVED:
            continue
        if number := work.source.execute(select(func.count()).select_from(ours)).scalar_one():
            work.report.note(f"{number} rows of `{ours.name}` were left out: v4 has no place for them")


def _given(column: Column[Any]) -> Select[Any]:
    """Count the rows in which a column says anything."""
    says = column.is_(True) if isinstance(column.type, Boolean) else column.is_not(None)
    return select(func.count()).select_from(column.table).where(says)
