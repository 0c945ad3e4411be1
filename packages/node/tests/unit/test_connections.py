"""Connection strings: where they lead, and what a run is given in their place."""

import pytest

from hanse_node import connections

LEAD = {
    "postgresql://u:p@db.example:5433/d?sslmode=verify-full": ("db.example", 5433),
    "postgresql+psycopg://u@db.example/d": ("db.example", 5432),
    "postgresql://u:sl/ash@db.example/d": ("db.example", 5432),
    "mysql+pymysql://u:p%40q@10.0.0.5/d": ("10.0.0.5", 3306),
    "mssql+pyodbc://u:p@db/d?driver=ODBC+Driver+18": ("db", 1433),
    "postgresql://u@[::1]:5432/d": ("::1", 5432),
    "jdbc:postgresql://db.example:5454/d": ("db.example", 5454),
    "jdbc:sqlserver://db.example;databaseName=d": ("db.example", 1433),
    "http://terms.example/sparql?mail=a@b.example": ("terms.example", 80),
    "https://terms.example": ("terms.example", 443),
    "mongodb://db.example:27017/d": ("db.example", 27017),
}
NOWHERE = [
    "sqlite:////data/lung.db", "s3://bucket/key", "/data/lung.csv", "postgresql:///d", "postgresql://a:1,b:2/d",
    "postgresql://u@db.example:99999/d", "mssql+pyodbc:///?odbc_connect=Server%3Ddb", "",
]  # fmt: skip


@pytest.mark.parametrize(("uri", "where"), LEAD.items())
def test_it_leads_to_one_host_and_port(uri: str, where: tuple[str, int]) -> None:
    assert connections.place(uri) == where


@pytest.mark.parametrize("uri", NOWHERE)
def test_or_nowhere_that_a_door_could_lead(uri: str) -> None:
    assert connections.place(uri) is None


@pytest.mark.parametrize("uri", LEAD)
def test_with_its_own_place_it_stays_as_it_is(uri: str) -> None:
    host, port = LEAD[uri]
    assert connections.rewritten(uri, f"[{host}]" if ":" in host else host, port) == uri


@pytest.mark.parametrize("uri", LEAD)
def test_with_another_place_only_that_changes(uri: str) -> None:
    changed = connections.rewritten(uri, "door", 20001)
    assert connections.place(changed) == ("door", 20001)
    host, port = LEAD[uri]
    written = f"[{host}]" if ":" in host else host
    assert changed.replace("door:20001", written) == uri.replace(f"{written}:{port}", written)
