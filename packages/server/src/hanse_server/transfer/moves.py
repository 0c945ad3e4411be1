"""The moves that an operator makes: which one an argument means, and doing it."""

import enum
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from hanse_core.errors import Invalid
from hanse_server import migrations
from hanse_server.accounts import v4_secrets
from hanse_server.accounts.passwords import Passwords
from hanse_server.configuration import new_secret
from hanse_server.identity.second_factor import SECOND_FACTOR
from hanse_server.identity.signing import signing_secret
from hanse_server.settings import Settings, read_yaml
from hanse_server.tasks.places import make_stores
from hanse_server.tasks.values import Place
from hanse_server.transfer import databases, fixtures, stock_settings
from hanse_server.transfer.carrying import Import
from hanse_server.transfer.exporting import Export, export_database
from hanse_server.transfer.importing import import_database
from hanse_server.transfer.large_values import LargeValues
from hanse_server.transfer.report import Report
from hanse_web.clock import SystemClock
from hanse_web.db import IMMEDIATE, make_engine, parsed
from hanse_web.sealing import Seal

SQLITE_MAGIC = b"SQLite format 3\x00"


class Kind(enum.Enum):
    """What an operator can import."""

    DATABASE = "database"
    CONFIGURATION = "configuration"
    FIXTURES = "fixtures"


def kind_of(source: str) -> Kind:
    """Tell what the argument is: an address, or by the content of the file."""
    if "://" in source:
        return Kind.DATABASE
    if _is_sqlite(Path(source)):
        return Kind.DATABASE
    keys = set(read_yaml(Path(source)))
    if keys & {"organizations", "collaborations"}:
        return Kind.FIXTURES
    if keys & stock_settings.TELLING:
        return Kind.CONFIGURATION
    raise Invalid(
        f"{source} is neither the configuration of a v4 server (it lacks {', '.join(sorted(stock_settings.TELLING))}) "
        "nor an import file (no organizations or collaborations), nor a database"
    )


def _is_sqlite(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from error


def take_configuration(source: str, database: str) -> tuple[str, Report]:
    """Translate the configuration of a v4 server; gives the text of ours."""
    return stock_settings.translate(read_yaml(Path(source)), database)


def take_database(source: str, settings: Settings, *, keeps_way_back: bool, dry_run: bool) -> Report:
    """Carry the database of a v4 server into the empty one of the settings."""
    address = source if "://" in source else f"sqlite:///{Path(source).absolute()}"
    with databases.old(address) as former, _target(settings, dry_run) as uri:
        if parsed(address) == parsed(uri):
            raise Invalid("the database of the v4 server and ours are the same; give an empty one with --database")
        # A dry run leaves nothing behind, and so must not generate the secret that a start would.
        seal = Seal(new_secret(), SECOND_FACTOR) if dry_run else _otp_seal(settings)
        values = LargeValues.of(settings, dry_run=dry_run)
        try:
            with databases.empty(uri) as target:
                return import_database(Import(former, target, seal, keeps_way_back), values)
        except BaseException:
            values.discard()
            raise


def _otp_seal(settings: Settings) -> Seal:
    return Seal(signing_secret(settings), SECOND_FACTOR)


@contextmanager
def _target(settings: Settings, dry_run: bool) -> Iterator[str]:
    """Give the database to write to: for a dry run one that is thrown away."""
    if not dry_run:
        yield settings.uri
        return
    with tempfile.TemporaryDirectory(prefix="hanse-dry-run-") as folder:
        yield f"sqlite:///{folder}/dry-run.sqlite"


def take_fixtures(source: str, settings: Settings, *, dry_run: bool) -> Report:
    """Add what an import file says to the database of the settings."""
    wanted = fixtures.parse(read_yaml(Path(source)))
    engine = make_engine(settings.uri)
    try:
        migrations.require_current(engine)
        with Session(engine.execution_options(**{IMMEDIATE: True})) as session, session.begin() as transaction:
            hash_password = (lambda _: "") if dry_run else Passwords(1).hash_now
            report = fixtures.FixtureImport(session, SystemClock(), hash_password).run(wanted)
            if dry_run:
                transaction.rollback()
            return report
    finally:
        engine.dispose()


def give_database(uri: str, settings: Settings) -> Report:
    """Write all that v4 knows into a new database for it."""
    seal = _otp_seal(settings)
    with databases.ours(settings.uri) as source, databases.new_v4(uri) as target:
        return export_database(Export(source, target, seal, make_stores(settings)[Place.VALUES]))


def forget_v4(settings: Settings) -> int:
    """Delete what was kept only for the way back."""
    engine = make_engine(settings.uri)
    try:
        migrations.require_current(engine)
        with Session(engine.execution_options(**{IMMEDIATE: True})) as session, session.begin():
            return v4_secrets.forget_all(session)
    finally:
        engine.dispose()
