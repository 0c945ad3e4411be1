"""Which data a task gets."""

import json
from pathlib import Path
from typing import Any

import pytest

from hanse_node import weaknesses
from hanse_node.database_settings import Database
from hanse_node.offers import DatabaseChoice
from hanse_node.settings import Settings
from hanse_node.settings_file import load
from hanse_node.sources import DatabaseUnreadable, Sources, UnknownDatabase


def database(label: str, uri: object, kind: str = "csv", **more: Any) -> Database:
    return Database.model_validate({"label": label, "uri": str(uri), "type": kind, **more})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lung.csv"
    path.write_text('\ufeffage,"sex, code"\n61,1\n')
    return path


def test_only_the_selected_databases_are_given_in_the_order_of_the_task(file: Path) -> None:
    warehouse = database("warehouse", "postgresql://h/db", "sql", env={"password": "x"})
    sources = Sources([database("a", file), database("b", file), warehouse])
    chosen = sources.select([DatabaseChoice("warehouse", query="select 1"), DatabaseChoice("a")])
    assert [selection.label for selection in chosen] == ["warehouse", "a"]
    assert (chosen[0].uri, chosen[0].is_path, chosen[0].query) == ("postgresql://h/db", False, "select 1")
    assert chosen[0].parameters == {"password": "x"}
    assert (chosen[1].uri, chosen[1].is_path) == (str(file), True)
    assert sources.select([]) == []


def test_an_unknown_label_is_named_with_those_there_are(file: Path) -> None:
    sources = Sources([database("a", file), database("b", file)])
    with pytest.raises(UnknownDatabase, match="no database 'lung'; it has: a, b"):
        sources.select([DatabaseChoice("lung")])
    with pytest.raises(UnknownDatabase, match="it has: none"):
        Sources([]).select([DatabaseChoice("lung")])


def test_a_file_that_is_gone_is_named_without_its_path(tmp_path: Path) -> None:
    sources = Sources([database("a", tmp_path / "gone.csv")])
    with pytest.raises(DatabaseUnreadable, match="'a' does not exist") as caught:
        sources.select([DatabaseChoice("a")])
    assert str(tmp_path) not in caught.value.message
    ((text, remedy),) = sources.troubles()
    assert (text, f"there is no {tmp_path}/gone.csv" in remedy) == (caught.value.message, True)


def test_labels_types_and_columns_are_shared_but_no_rows(file: Path, tmp_path: Path) -> None:
    sources = Sources([database("a", file), database("s", "sqlite:///x", "sql"), database("g", tmp_path / "gone")])
    assert sources.shared() == {
        "database_labels": ["a", "s", "g"],
        "database_types": {"db_type_a": "csv", "db_type_s": "sql", "db_type_g": "csv"},
        "database_columns": {"columns_a": ["age", "sex, code"], "columns_g": []},
    }


@pytest.fixture
def warehouse(tmp_path: Path) -> Settings:
    (tmp_path / "pw").write_text("p@ss/w:rd\n")
    base = {"label": "w", "type": "sql", "uri": "postgresql://reader:${file:pw}@db/lung", "env": {"user": "${env:WHO}"}}
    fields = {"api_key_file": "k", "server_url": "http://localhost", "directory": "/tmp/x", "databases": [base]}
    (tmp_path / "node.yaml").write_text(json.dumps(fields))
    return load(tmp_path / "node.yaml", environment={})


def test_secrets_come_from_files_and_the_environment_and_only_to_runs_that_select_the_database(
    warehouse: Settings, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHO", "reader of ${file:no/reference}")
    sources = Sources([*warehouse.databases, database("a", file)])
    (given,) = sources.select([DatabaseChoice("w")])
    assert given.uri == "postgresql://reader:p%40ss%2Fw%3Ard@db/lung"
    assert given.parameters == {"user": "reader of ${file:no/reference}"}
    (tmp_path / "pw").write_text("another")
    assert sources.select([DatabaseChoice("w")])[0].uri == "postgresql://reader:another@db/lung"
    assert "another" not in repr(sources.select([DatabaseChoice("a")])) + repr(warehouse) + str(sources.shared())
    assert not [weak for weak in weaknesses.of(warehouse, None) if weak.key.startswith("databases")]


def test_an_object_of_a_store_and_what_has_another_type_are_handed_over_as_they_are(
    warehouse: Settings, tmp_path: Path
) -> None:
    raw = json.loads((tmp_path / "node.yaml").read_text())
    uris = {"csv": "s3://bucket/lung.csv", "other": "vendor:thing?x=1", "omop": "jdbc:postgresql://h/cdm"}
    env = {"secret_key": "${file:pw}", "endpoint": "https://store.example:9000"}
    raw["databases"] = [{"label": kind, "type": kind, "uri": uri, "env": env} for kind, uri in uris.items()]
    (tmp_path / "node.yaml").write_text(json.dumps(raw))
    sources = Sources(load(tmp_path / "node.yaml", environment={}).databases)
    chosen = sources.select([DatabaseChoice(kind) for kind in uris])
    assert {one.kind: one.uri for one in chosen} == uris
    assert not any(one.is_path for one in chosen)
    assert chosen[0].parameters == {"secret_key": "p@ss/w:rd", "endpoint": "https://store.example:9000"}
    assert sources.shared()["database_columns"] == {}


def test_a_secret_that_is_missing_is_named_to_the_administrator_only(warehouse: Settings, tmp_path: Path) -> None:
    sources = Sources(warehouse.databases)
    ((text, remedy),) = sources.troubles()
    assert (text, remedy) == (
        "the credentials of database 'w' cannot be had on this station", "the environment of this node has no WHO"
    )  # fmt: skip
    (tmp_path / "pw").unlink()
    with pytest.raises(DatabaseUnreadable, match="credentials of database 'w'") as caught:
        sources.select([DatabaseChoice("w")])
    assert str(tmp_path) not in caught.value.message
    assert f"{tmp_path}/pw cannot be read" in sources.troubles()[0].remedy
    (tmp_path / "pw").write_text(" ")
    assert f"{tmp_path}/pw is empty" in sources.troubles()[0].remedy


def test_a_large_database_never_enters_the_memory_of_the_node(tmp_path: Path) -> None:
    big = tmp_path / "big.parquet"
    with big.open("wb") as handle:
        handle.truncate(1_000_000_000)
    rows = tmp_path / "rows.csv"
    rows.write_bytes(b"age,sex\n" + b"61,1\n" * 1_000_000)
    sources = Sources([database("big", big, "parquet", share_columns=False), database("rows", rows)])
    before = _bytes_read()
    assert sources.troubles() == []
    assert sources.shared()["database_columns"] == {"columns_rows": ["age", "sex"]}
    chosen = sources.select([DatabaseChoice("big"), DatabaseChoice("rows")])
    assert [selection.is_path for selection in chosen] == [True, True]
    assert _bytes_read() - before < 100_000


def _bytes_read() -> int:
    """Give what this process has read so far, from wherever."""
    return int(Path("/proc/self/io").read_text().split()[1])
