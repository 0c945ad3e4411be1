"""Run by Alembic: how our tables are compared and changed."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import False_, True_

import hanse_server.identity.access_token_models
import hanse_server.identity.guessing
import hanse_server.identity.models  # (no slice above refers to these tables)
import hanse_server.sso.models
import hanse_server.tasks.models  # noqa: F401  (the highest slice brings the tables of all)
import hanse_web.mail_queue
import hanse_web.outbox  # noqa: F401
from hanse_server.migrations import VERSION_TABLE
from hanse_web.db import Base, UtcDateTime


def _render(kind: str, item: Any, _: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime()"
    if kind == "server_default" and isinstance(getattr(item, "arg", None), False_ | True_):
        return f"sa.{item.arg}()"  # each database writes truth values in its own way
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    compare_type=True,
    compare_server_default=True,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
