"""The environment of a run, against the vectors and the table of the written v4 contract."""

from dataclasses import replace
from pathlib import Path

import pytest

from hanse_core.protocol import decode_variable, encode_variable
from hanse_node import contract
from hanse_node.runtimes.base import Mount, RunSpec

VECTORS = {
    "": "",
    "a": "ME!!!!!!",
    "abc": "MFRGG!!!",
    "abcde": "MFRGGZDF",
    "/mnt/tmp": "F5WW45BPORWXA!!!",
    "80": "HAYA!!!!",
    "8080": "HAYDQMA!",
    "http://proxyserver": "NB2HI4B2F4XXA4TPPB4XGZLSOZSXE!!!",
    "http://squid:3128": "NB2HI4B2F4XXG4LVNFSDUMZRGI4A!!!!",
    "second,default": "ONSWG33OMQWGIZLGMF2WY5A!",
}
"""Recorded from a v4 node."""

LUNG = Mount("default", "csv", "/srv/data/lung.csv", True, {"user": "reader"})
SECOND = Mount("second", "sql", "postgresql://host/db", False, query="select 1", sheet_name="one", preprocessing="[]")
SPEC = RunSpec(
    run_id=22,
    task_id=20,
    job_id=19,
    image="hanse/summary",
    digest="sha256:0",
    folder=Path("/var/lib/hanse/task-000000022"),
    temporary=Path("/var/lib/hanse/job-19"),
    proxy_socket=Path("/run/h/22/proxy"),
    mounts=[SECOND, LUNG],
    environment={"HANSE_MINIMUM_COUNT": "5"},
)


@pytest.mark.parametrize(("plain", "encoded"), VECTORS.items())
def test_a_value_is_encoded_and_decoded_as_recorded(plain: str, encoded: str) -> None:
    assert encode_variable(plain) == encoded
    assert decode_variable(encoded) == plain


def test_what_is_not_base32_decodes_to_itself() -> None:
    assert decode_variable("/usr/bin:/bin") == "/usr/bin:/bin"
    assert decode_variable("1") == "1"


def test_the_environment_holds_every_variable_of_the_contract_and_no_other() -> None:
    plain = contract.plain_environment(SPEC, contract.isolated_view(SPEC, "http://proxyserver", 80))
    assert plain == {
        "INPUT_FILE": "/mnt/data/task-000000022/input",
        "OUTPUT_FILE": "/mnt/data/task-000000022/output",
        "TOKEN_FILE": "/mnt/data/task-000000022/token",
        "TEMPORARY_FOLDER": "/mnt/tmp",
        "HOST": "http://proxyserver",
        "PORT": "80",
        "API_PATH": "",
        "USER_REQUESTED_DATABASE_LABELS": "second,default",
        "DB_LABELS": "second,default",
        "SECOND_DATABASE_URI": "postgresql://host/db",
        "SECOND_DATABASE_TYPE": "sql",
        "SECOND_QUERY": "select 1",
        "SECOND_SHEET_NAME": "one",
        "SECOND_PREPROCESSING": "[]",
        "DEFAULT_DATABASE_URI": "/mnt/default.csv",
        "DEFAULT_DATABASE_TYPE": "csv",
        "DEFAULT_DB_PARAM_USER": "reader",
        "HANSE_MINIMUM_COUNT": "5",
    }


def test_every_value_is_encoded_and_no_name() -> None:
    view = contract.isolated_view(SPEC)
    encoded = contract.environment(SPEC, view)
    assert encoded["USER_REQUESTED_DATABASE_LABELS"] == VECTORS["second,default"]
    assert encoded["API_PATH"] == ""
    assert {name: decode_variable(value) for name, value in encoded.items()} == contract.plain_environment(SPEC, view)


def test_without_databases_the_label_lists_exist_and_are_empty() -> None:
    spec = replace(SPEC, mounts=[])
    encoded = contract.environment(spec, contract.isolated_view(spec))
    assert encoded["USER_REQUESTED_DATABASE_LABELS"] == encoded["DB_LABELS"] == ""


def test_a_database_selected_twice_is_requested_twice_and_listed_once() -> None:
    spec = replace(SPEC, mounts=[LUNG, LUNG])
    plain = contract.plain_environment(spec, contract.isolated_view(spec))
    assert (plain["USER_REQUESTED_DATABASE_LABELS"], plain["DB_LABELS"]) == ("default,default", "default")


def test_a_folder_appears_under_its_label_and_a_file_keeps_its_suffix() -> None:
    assert contract.database_inside(Mount("scans", "folder", "/srv/scans", True)) == "/mnt/scans"
    assert contract.database_inside(Mount("db", "sql", "/srv/x.sqlite", True)) == "/mnt/db.sqlite"


def test_an_open_view_gives_the_paths_of_this_machine() -> None:
    plain = contract.plain_environment(SPEC, contract.open_view(SPEC, port=4711))
    assert plain["INPUT_FILE"] == "/var/lib/hanse/task-000000022/input"
    assert plain["DEFAULT_DATABASE_URI"] == "/srv/data/lung.csv"
    assert plain["TEMPORARY_FOLDER"] == "/var/lib/hanse/job-19"
    assert plain["PORT"] == "4711"


def test_the_configuration_overrides_what_the_node_would_set() -> None:
    spec = replace(SPEC, environment={"TEMPORARY_FOLDER": "/elsewhere"})
    assert contract.plain_environment(spec, contract.isolated_view(spec))["TEMPORARY_FOLDER"] == "/elsewhere"


@pytest.mark.parametrize("name", ["PKG_NAME", "", "1ST", "WITH-DASH", "WITH SPACE", "A=B", "ÄRGER"])
def test_a_name_that_no_run_may_get_is_refused_by_name(name: str) -> None:
    spec = replace(SPEC, environment={name: "x"})
    with pytest.raises(contract.InvalidEnvironment, match=name or "''"):
        contract.environment(spec, contract.isolated_view(spec))


def test_a_label_that_cannot_be_part_of_a_name_is_refused() -> None:
    spec = replace(SPEC, mounts=[replace(LUNG, label="my-db")])
    with pytest.raises(contract.InvalidEnvironment, match="MY-DB_DATABASE_URI"):
        contract.environment(spec, contract.isolated_view(spec))


@pytest.mark.parametrize("label", ["data", "tmp"])
def test_a_label_that_would_hide_a_folder_of_the_contract_is_refused(label: str) -> None:
    spec = replace(SPEC, mounts=[replace(LUNG, label=label)])
    with pytest.raises(contract.InvalidEnvironment, match="reserved"):
        contract.environment(spec, contract.isolated_view(spec))
