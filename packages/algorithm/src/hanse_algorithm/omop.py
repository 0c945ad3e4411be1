"""Patients' data in the OMOP Common Data Model: an algorithm asks its database in SQL, as OHDSI writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from hanse_algorithm.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy

_NAME = re.compile(r"@([A-Za-z_]\w*)")
_QUOTED = re.compile(r"('(?:[^']|'')*')")


class Cdm(NamedTuple):
    """A database in the Common Data Model: what the parameter of a function gets that is annotated `Cdm`.

    Example:
        @federated
        def born(cdm: Cdm, year: int) -> int:
            persons = cdm.query(
                "select count(*) as n from @cdm_database_schema.person where year_of_birth = @year", year=year
            )
            return guards.minimum_count(int(persons["n"][0]))
    """

    uri: str
    """As SQLAlchemy writes it, or as JDBC does (`jdbc:postgresql://host/database`), or the path of an SQLite file."""
    user: str | None = None
    password: str | None = None
    cdm_schema: str | None = None
    results_schema: str | None = None
    dbms: str | None = None
    """What OHDSI calls the kind of database: `postgresql`, `sql server`, …"""

    def query(self, sql: str, **parameters: Any) -> pd.DataFrame:
        """Give what the database answers, with the names of columns in lower case.

        Args:
            sql: one statement. As in SqlRender, `@cdm_database_schema` and `@results_database_schema` are put in; every
                other `@name` is a value that goes beside the statement, so no text of a researcher becomes SQL.
            **parameters: the values.

        Raises:
            DataError: the statement names a value that is not given.
        """
        import pandas as pd
        import sqlalchemy

        statement = sqlalchemy.text(self._rendered(sql, parameters))
        with self.connect() as connection:
            answered = pd.read_sql_query(statement, connection, params=parameters)
        return answered.rename(columns=str.lower)

    def connect(self) -> sqlalchemy.Connection:
        """Open a connection of SQLAlchemy's for use in a `with`."""
        import sqlalchemy

        return sqlalchemy.create_engine(self.url(), poolclass=sqlalchemy.NullPool).connect()

    def url(self) -> sqlalchemy.URL:
        """Give the address with the credentials in it."""
        from sqlalchemy import make_url

        from hanse_algorithm.data.drivers import with_driver

        if Path(self.uri).is_absolute():
            return make_url(f"sqlite:///file:{quote(self.uri)}?mode=ro&uri=true")
        url = make_url(with_driver(self.uri.removeprefix("jdbc:")))
        return url.set(username=self.user or url.username, password=self.password or url.password)

    def _rendered(self, sql: str, parameters: Mapping[str, Any]) -> str:
        schemas = {"cdm_database_schema": self.cdm_schema, "results_database_schema": self.results_schema}

        def put_in(found: re.Match[str]) -> str:
            name = found[1]
            if name in schemas:
                return _schema(name, schemas[name])
            if name not in parameters:
                raise DataError(f"the query names @{name}, and no value is given for it")
            return f":{name}"

        # A colon would begin a value of SQLAlchemy's.
        parts = _QUOTED.split(sql.replace(":", "\\:"))
        return "".join(part if part.startswith("'") else _NAME.sub(put_in, part) for part in parts)

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return f"Cdm({self.dbms or 'database'})"


def _schema(name: str, schema: str | None) -> str:
    if schema is None:
        raise DataError(f"the station does not say which schema is @{name}; its administrator sets it in env")
    return schema
