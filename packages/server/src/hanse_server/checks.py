"""What would keep the server from starting, each with its remedy."""

import os
from collections.abc import Callable, Iterator

from sqlalchemy import Engine

from hanse_core.errors import HanseError, Invalid
from hanse_server import migrations
from hanse_server.identity.signing import existing_secret
from hanse_server.serving import listen
from hanse_server.settings import Settings
from hanse_server.tasks import kept
from hanse_web.db import make_engine, sqlite_file


def problems(settings: Settings) -> list[str]:
    """Try everything that a start needs, without changing the database."""
    return [text for check in (_secrets, _database, _port) for text in _try(check, settings)]


def _try(check: Callable[[Settings], None], settings: Settings) -> Iterator[str]:
    try:
        check(settings)
    except HanseError as error:
        yield error.message


def _secrets(settings: Settings) -> None:
    existing_secret(settings)
    settings.root_password_text()


def _database(settings: Settings) -> None:
    file = sqlite_file(settings.uri)
    if file is not None and not file.exists():
        if not os.access(file.parent, os.W_OK):
            raise Invalid(f"the folder {file.parent} of the database is missing or cannot be written; check `uri`")
        return
    engine = make_engine(settings.uri)
    try:
        migrations.require_startable(engine)
        if migrations.is_current(engine):
            _require_in_step(engine)
    finally:
        engine.dispose()


def _require_in_step(engine: Engine) -> None:
    with engine.connect() as connection:
        wrong = kept.differences(connection)
    if wrong:
        raise Invalid(
            f"the status or number of tasks, as stored, is not what their runs say ({wrong} differences); "
            "`hanse server migrate` repairs that"
        )


def _port(settings: Settings) -> None:
    listen(settings.ip, settings.port).close()
