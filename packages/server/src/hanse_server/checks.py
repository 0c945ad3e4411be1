"""What would keep the server from starting, and what should worry its operator; each with its remedy."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import BaseModel, SecretStr
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hanse_core.errors import HanseError, Invalid
from hanse_server import migrations
from hanse_server.identity.signing import existing_secret
from hanse_server.serving import listen
from hanse_server.settings import Settings
from hanse_server.settings.initial import initial_root_hash
from hanse_server.sso import checks as sso
from hanse_server.stores import checks as stores
from hanse_server.stores.calls import store_calls
from hanse_server.tasks import kept, text_index
from hanse_server.tasks.places import require_writable
from hanse_web.access import UserActor
from hanse_web.db import make_engine, require_kept, sqlite_file


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong: problems prevent a start, warnings do not."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def examine(settings: Settings, config: Path | None = None) -> Findings:
    """Try everything that a start needs, without changing anything."""
    problems = [text for check in PROBLEMS for text in _try(check, settings)]
    looks: list[Callable[[Settings], Iterator[str]]] = [partial(_open_to_others, config=config), *WARNINGS]
    return Findings(tuple(problems), tuple(text for look in looks for text in _look(look, settings)))


def _try(check: Callable[[Settings], None], settings: Settings) -> Iterator[str]:
    try:
        check(settings)
    except HanseError as error:
        details = (f"{field}: {'; '.join(texts)}" for field, texts in error.errors.items())
        yield " ".join((error.message, *details))


def _look(look: Callable[[Settings], Iterator[str]], settings: Settings) -> list[str]:
    try:
        return list(look(settings))
    except HanseError:  # told as a problem already
        return []


def _files(settings: Settings) -> None:
    for name, file in _named_files(settings):
        try:
            file.read_bytes()
        except OSError as error:
            raise Invalid(f"{name} cannot be read: {error.strerror}: {file}") from error


def _named_files(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """Give every file that a setting names, with the name of the setting."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Path) and name.endswith("_file"):
            yield prefix + name, value
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, BaseModel):
                yield from _named_files(one, f"{prefix}{name}.")


def _secrets(settings: Settings) -> None:
    existing_secret(settings)
    settings.root_password_text()
    initial_root_hash(os.environ)


def _database(settings: Settings) -> None:
    require_kept(settings.uri)
    file = sqlite_file(settings.uri)
    if file is not None and not file.exists():
        if not os.access(file.parent, os.W_OK):
            raise Invalid(f"the folder {file.parent} of the database is missing or cannot be written; check `uri`")
        return
    engine = make_engine(settings.uri)
    try:
        migrations.require_startable(engine)
    finally:
        engine.dispose()


def _port(settings: Settings) -> None:
    listen(settings.ip, settings.port).close()


def _values(settings: Settings) -> None:
    require_writable(settings)


def _providers(settings: Settings) -> None:
    sso.require_usable(settings.oidc)


PROBLEMS: tuple[Callable[[Settings], None], ...] = (_files, _secrets, _database, _values, _port, _providers)
"""Each raises what would keep the server from starting."""


def _open_to_others(settings: Settings, config: Path | None) -> Iterator[str]:
    files = [config] if config is not None and _has_secret(settings) else []
    files += [file for name, file in _named_files(settings) if file.exists() and not name.endswith("ca_file")]
    database = sqlite_file(settings.uri)
    if database is not None and database.exists():
        files.append(database)
    for file in files:
        if file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            yield f"every account of this machine can read {file}, which holds secrets; run `chmod 600 {file}`"


def _has_secret(model: BaseModel) -> bool:
    for name in type(model).model_fields:
        value = getattr(model, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, SecretStr) or (isinstance(one, BaseModel) and _has_secret(one)):
                return True
    return False


def _first_password(settings: Settings) -> Iterator[str]:
    password, shortest = settings.root_password_text(), settings.password_policy.minimum_length
    if password is not None and len(password) < shortest:
        yield f"root_password has fewer than {shortest} characters; take a longer one, or none and get a random one"


def _mail(settings: Settings) -> Iterator[str]:
    if not settings.smtp.server and not settings.mail_to_console:
        yield "no mail is sent (smtp.server is not set): nobody can reset a forgotten password, or be invited"


def _large_values(settings: Settings) -> Iterator[str]:
    if sqlite_file(settings.uri) is None and settings.blobs.type == "files" and settings.blobs.folder is None:
        yield (
            f"large values are kept below the folder that the server is started in, now {Path.cwd()}; "
            "name one in `blobs.folder`"
        )


def _origins(settings: Settings) -> Iterator[str]:
    if "*" in settings.cors_allowed_origins:
        yield (
            "any web page may call this server (cors_allowed_origins is *); "
            "name the address of your web interface instead, such as https://analyses.example.org"
        )


def _out_of_step(settings: Settings) -> Iterator[str]:
    def look(session: Session) -> Iterator[str]:
        wrong = kept.differences(session.connection()) if kept.is_current(session.connection()) else 0
        if wrong:
            yield (
                f"the status or number of tasks, as stored, is not what their runs say ({wrong} differences); "
                "`hanse server migrate` repairs that"
            )

    yield from _looked_up(settings, look)


def _text_index(settings: Settings) -> Iterator[str]:
    def look(session: Session) -> Iterator[str]:
        if kept.is_current(session.connection()) and text_index.is_missing(session.connection()):
            yield (
                "tasks are found slowly by parts of their names, since PostgreSQL lacks the extension pg_trgm; "
                f"run `{text_index.EXTENSION}` in the database as its owner, then `hanse server migrate`"
            )

    yield from _looked_up(settings, look)


def _listening(settings: Settings) -> Iterator[str]:
    if settings.ip in ("127.0.0.1", "::1", "localhost"):
        yield (
            f"only this machine reaches the server (ip is {settings.ip}); "
            "that is right behind a proxy that speaks TLS here, otherwise set ip to 0.0.0.0"
        )


def _lifetimes(settings: Settings) -> Iterator[str]:
    if settings.token_expires_hours > 24:
        yield (
            f"an access token that is stolen works for {settings.token_expires_hours:g} hours; "
            "set token_expires_hours to 6 or less: programs renew theirs by themselves"
        )


def _embedded(settings: Settings) -> Iterator[str]:
    if sqlite_file(settings.uri) is not None and settings.ip == "0.0.0.0":  # noqa: S104
        yield (
            "the database is an SQLite file: right for one server process and tens of people; "
            "for more, or for several replicas, set `uri` to a PostgreSQL database"
        )


def _sign_on(settings: Settings) -> Iterator[str]:
    yield from sso.unreachable(settings.oidc)
    if settings.oidc:
        yield from _looked_up(settings, lambda session: sso.ungiven(session, settings.oidc))


def _stores(settings: Settings) -> Iterator[str]:
    def nobody(_: UserActor) -> str:
        raise Invalid("a check asks nothing in anybody's name")

    limits = settings.algorithm_stores
    seconds = min(limits.timeout_seconds, stores.MOST_SECONDS)
    patient = settings.model_copy(update={"algorithm_stores": limits.model_copy(update={"timeout_seconds": seconds})})
    yield from _looked_up(settings, lambda session: stores.unreachable(session, store_calls(patient, nobody)))


def _looked_up(settings: Settings, look: Callable[[Session], Iterator[str]]) -> Iterator[str]:
    """Look into the database, where there is one that can be used."""
    file = sqlite_file(settings.uri)
    if file is not None and not file.exists():
        return
    engine = make_engine(settings.uri)
    try:
        with Session(engine) as session:
            yield from look(session)
    except SQLAlchemyError:  # that the database cannot be used is a problem, and told as one
        return
    finally:
        engine.dispose()


WARNINGS: tuple[Callable[[Settings], Iterator[str]], ...] = (
    _first_password, _origins, _listening, _mail, _large_values, _lifetimes, _embedded, _out_of_step,
    _text_index, _sign_on, _stores,
)  # fmt: skip
"""Each yields what works, but should worry."""
