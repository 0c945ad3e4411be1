"""Which data a task gets."""

from pathlib import Path
from typing import Any

import pytest

from hanse_node.offers import DatabaseChoice
from hanse_node.settings import Database
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
    assert sources.problems() == [caught.value.message]


def test_labels_types_and_columns_are_shared_but_no_rows(file: Path, tmp_path: Path) -> None:
    sources = Sources([database("a", file), database("s", "sqlite:///x", "sql"), database("g", tmp_path / "gone")])
    assert sources.shared() == {
        "database_labels": ["a", "s", "g"],
        "database_types": {"db_type_a": "csv", "db_type_s": "sql", "db_type_g": "csv"},
        "database_columns": {"columns_a": ["age", "sex, code"], "columns_g": []},
    }
