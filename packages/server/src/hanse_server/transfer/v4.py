"""The tables of a v4.15 database, as that server itself makes them."""

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Enum,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    inspect,
)

from hanse_core.errors import Invalid
from hanse_core.permissions import Operation, Scope
from hanse_server.migrations import V4_TABLES, VERSION_TABLE
from hanse_web.db import UtcDateTime

metadata = MetaData()


def _refers(name: str, target: str) -> Column[int]:
    return Column(name, Integer, ForeignKey(f"{target}.id"))


def _number() -> Column[int]:
    return Column("id", Integer, primary_key=True)


identity = Table(
    "authenticatable",
    metadata,
    _number(),
    Column("type", String(50)),
    Column("ip", String),
    Column("last_seen", UtcDateTime),
    Column("status", String),
)
organization = Table(
    "organization",
    metadata,
    _number(),
    Column("name", String, unique=True),
    Column("domain", String),
    Column("address1", String),
    Column("address2", String),
    Column("zipcode", String),
    Column("country", String),
    Column("_public_key", LargeBinary),
)
collaboration = Table(
    "collaboration",
    metadata,
    _number(),
    Column("name", String, unique=True),
    Column("encrypted", Boolean),
)
user = Table(
    "user",
    metadata,
    Column("id", Integer, ForeignKey("authenticatable.id"), primary_key=True, autoincrement=False),
    Column("username", String, unique=True),
    Column("password", String),
    Column("firstname", String),
    Column("lastname", String),
    Column("email", String, unique=True),
    _refers("organization_id", "organization"),
    Column("failed_login_attempts", Integer),
    Column("last_login_attempt", UtcDateTime),
    Column("otp_secret", String(32)),
    Column("last_email_failed_login_sent", UtcDateTime),
    Column("last_email_recover_password_sent", UtcDateTime),
)
node = Table(
    "node",
    metadata,
    Column("id", Integer, ForeignKey("authenticatable.id"), primary_key=True, autoincrement=False),
    Column("name", String, unique=True),
    Column("api_key", String),
    _refers("collaboration_id", "collaboration"),
    _refers("organization_id", "organization"),
)
node_config = Table(
    "nodeconfig", metadata, _number(), _refers("node_id", "node"), Column("key", String), Column("value", String)
)
member = Table(
    "Member", metadata, _refers("organization_id", "organization"), _refers("collaboration_id", "collaboration")
)
study = Table(
    "study", metadata, _number(), Column("name", String, unique=True), _refers("collaboration_id", "collaboration")
)
study_member = Table("StudyMember", metadata, _refers("organization_id", "organization"), _refers("study_id", "study"))
rule = Table(
    "rule",
    metadata,
    _number(),
    Column("name", Text),
    Column("operation", Enum(*(operation.name for operation in Operation), name="operation")),
    Column("scope", Enum(*(scope.name for scope in Scope), name="scope")),
    Column("description", String),
)
role = Table(
    "role",
    metadata,
    _number(),
    Column("name", Text),
    Column("description", Text),
    _refers("organization_id", "organization"),
    Column("is_default_role", Boolean),
)
role_rule = Table("role_rule_association", metadata, _refers("role_id", "role"), _refers("rule_id", "rule"))
user_role = Table("Permission", metadata, _refers("role_id", "role"), _refers("user_id", "user"))
user_rule = Table("UserPermission", metadata, _refers("rule_id", "rule"), _refers("user_id", "user"))
store = Table(
    "algorithmstore",
    metadata,
    _number(),
    Column("name", String),
    Column("url", String),
    _refers("collaboration_id", "collaboration"),
)
task = Table(
    "task",
    metadata,
    _number(),
    Column("name", String),
    Column("description", String),
    Column("image", String),
    _refers("collaboration_id", "collaboration"),
    _refers("study_id", "study"),
    Column("job_id", Integer),
    _refers("parent_id", "task"),
    _refers("init_org_id", "organization"),
    _refers("init_user_id", "user"),
    Column("created_at", UtcDateTime),
    _refers("algorithm_store_id", "algorithmstore"),
)
task_database = Table(
    "taskdatabase",
    metadata,
    _number(),
    _refers("task_id", "task"),
    Column("database", String),
    Column("parameters", String),
)
run = Table(
    "run",
    metadata,
    _number(),
    Column("input", Text),
    _refers("task_id", "task"),
    _refers("organization_id", "organization"),
    Column("result", Text),
    Column("assigned_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("status", Text),
    Column("log", Text),
    Column("cleanup_at", UtcDateTime),
    Column("blob_storage_used", Boolean),
)
port = Table(
    "algorithmport", metadata, _number(), Column("port", Integer), _refers("run_id", "run"), Column("label", String)
)


def require_v4(connection: Connection) -> None:
    """Refuse what is no v4 database, or one that an older version left without the tables of 4.15."""
    found = inspect(connection)
    present = set(found.get_table_names())
    where = connection.engine.url.render_as_string(hide_password=True)
    if VERSION_TABLE in present:
        raise Invalid(f"{where} is the database of a Hanse server already; there is nothing to import")
    if not present >= V4_TABLES:
        raise Invalid(f"{where} is not the database of a v4 server: it lacks the tables of one; check the address")
    missing = sorted({table.name for table in metadata.sorted_tables} - present)
    for table in metadata.sorted_tables:
        if table.name in present:
            columns = {column["name"] for column in found.get_columns(table.name)}
            missing += sorted(f"{table.name}.{column.name}" for column in table.columns if column.name not in columns)
    if missing:
        raise Invalid(
            f"{where} was made by a v4 server older than 4.15: it lacks {', '.join(missing)}. Make a copy, start the "
            "stock server 4.15 once on that copy, which adds what is missing, stop it, and import the copy"
        )
