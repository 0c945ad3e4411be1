"""The environment is decoded exactly as the container contract says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hanse_algorithm.contract import Contract, claims, decode, decode_proxies, setting
from hanse_algorithm.errors import DataError, EnvironmentFault

Encode = Callable[[object], str]

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


@pytest.mark.parametrize(("plain", "encoded"), VECTORS.items())
def test_each_vector_of_the_contract_is_decoded(plain: str, encoded: str) -> None:
    assert decode(encoded) == plain


@pytest.mark.parametrize("value", ["plain text", "/usr/bin", "10", "C.UTF-8", "77777777", "=", "é", "MFRGG"])
def test_a_value_that_is_not_encoded_stays_as_it_is(value: str) -> None:
    assert decode(value) == value


def test_the_package_name_and_the_run_context_are_never_decoded() -> None:
    environment = {"PKG_NAME": "MFRGGZDF", "RUN_CONTEXT_FILE": "MFRGGZDF", "OTHER": "MFRGGZDF"}
    assert [setting(name, None, environment) for name in environment] == ["MFRGGZDF", "MFRGGZDF", "abcde"]


def test_a_setting_of_the_station_has_a_default(monkeypatch: pytest.MonkeyPatch, encode: Encode) -> None:
    monkeypatch.setenv("MY_LIMIT", encode("GAUSSIAN"))
    assert setting("MY_LIMIT") == "GAUSSIAN"
    assert setting("MY_OTHER_LIMIT", "4") == "4"


def test_the_run_context_says_to_which_parameter_the_task_binds_a_database(encode: Encode, tmp_path: Path) -> None:
    path = tmp_path / "run_context.json"
    bound = [{"id": "lung", "uri": "", "arguments": {"bind": "outcomes"}}, {"id": "lung", "uri": ""}]
    path.write_text(json.dumps({"inputs": [{"id": "other", "uri": ""}, *bound]}))
    values = {"USER_REQUESTED_DATABASE_LABELS": "lung,lung", "LUNG_DATABASE_URI": "/mnt/lung.csv"}
    environment = {name: encode(value) for name, value in values.items()}
    contract = Contract({**environment, "RUN_CONTEXT_FILE": str(path)})
    assert [database.parameter for database in contract.databases()] == ["outcomes", None]
    assert [database.parameter for database in Contract(environment).databases()] == [None, None]
    path.write_text("[]")
    with pytest.raises(EnvironmentFault, match=r"the run context .* cannot be read: TypeError"):
        contract.databases()


def test_databases_come_in_the_order_of_the_task_with_their_selection(encode: Encode) -> None:
    values = {
        "USER_REQUESTED_DATABASE_LABELS": "second,default",
        "SECOND_DATABASE_URI": "/mnt/data/second.parquet",
        "SECOND_DATABASE_TYPE": "Parquet",
        "SECOND_PREPROCESSING": '[{"function": "filter_range", "parameters": {"column": "age"}}]',
        "DEFAULT_DATABASE_URI": "/mnt/data/default.csv",
        "DEFAULT_QUERY": "SELECT 1",
        "DEFAULT_SHEET_NAME": "one",
    }
    second, first = Contract({name: encode(value) for name, value in values.items()}).databases()
    assert (second.label, second.uri, second.type) == ("second", "/mnt/data/second.parquet", "parquet")
    assert second.preprocessing[0]["parameters"] == {"column": "age"}
    assert (first.type, first.query, first.sheet_name, first.preprocessing) == ("csv", "SELECT 1", "one", ())


def test_no_selected_database_is_an_empty_list() -> None:
    assert Contract({"USER_REQUESTED_DATABASE_LABELS": ""}).databases() == []


def test_a_database_that_the_station_does_not_have_is_named_with_those_it_has(encode: Encode) -> None:
    environment = {"USER_REQUESTED_DATABASE_LABELS": encode("lung"), "DB_LABELS": encode("default,heart")}
    with pytest.raises(DataError, match="no database 'lung'; it has: default,heart"):
        Contract(environment).databases()


@pytest.mark.parametrize("steps", ["{", '{"function": "x"}', '["x"]'])
def test_preprocessing_that_is_no_list_of_steps_is_refused(steps: str, encode: Encode) -> None:
    environment = {"USER_REQUESTED_DATABASE_LABELS": "d", "D_DATABASE_URI": "/x", "D_PREPROCESSING": encode(steps)}
    with pytest.raises(DataError, match="preprocessing of database 'd'"):
        Contract(environment).databases()


@pytest.mark.parametrize(
    ("host", "port", "path", "url"),
    [
        ("http://proxyserver", "80", "", "http://proxyserver:80"),
        ("http://127.0.0.1/", "", "/api/", "http://127.0.0.1/api"),
    ],
)
def test_the_address_of_the_proxy_is_put_together(host: str, port: str, path: str, url: str, encode: Encode) -> None:
    environment = {"HOST": encode(host), "PORT": encode(port), "API_PATH": encode(path)}
    assert Contract(environment).proxy_url == url


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(EnvironmentFault, match="INPUT_FILE is not set"):
        Contract({}).input_file  # noqa: B018


def test_paths_are_decoded(encode: Encode) -> None:
    names = ("INPUT_FILE", "OUTPUT_FILE", "TEMPORARY_FOLDER")
    contract = Contract({name: encode(f"/mnt/{name}") for name in names})
    assert [contract.input_file, contract.output_file, contract.temporary_folder] == [Path(f"/mnt/{n}") for n in names]


def test_the_token_is_read_without_its_line_end(tmp_path: Path, encode: Encode) -> None:
    (tmp_path / "token").write_text("a.b.c\n")
    assert Contract({"TOKEN_FILE": encode(tmp_path / "token")}).token() == "a.b.c"


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_token_that_cannot_be_read_is_an_error(tmp_path: Path, content: bytes | None, encode: Encode) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(EnvironmentFault, match="cannot be read"):
        Contract({"TOKEN_FILE": encode(tmp_path / "token")}).token()


def test_claims_are_read_and_unknown_ones_ignored(make_token: Callable[..., str]) -> None:
    read = claims(make_token(study_id=5, something_new=1))
    assert (read.image, read.organization_id, read.study_id) == ("registry.example/algo:1", 2, 5)
    assert read.databases == [{"label": "default", "query": "q"}]


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "a.e30.c", "a.eyJzdWIiOiA3fQ.c"])
def test_what_is_no_container_token_is_refused(token: str) -> None:
    with pytest.raises(EnvironmentFault, match="not a container token"):
        claims(token)


def test_only_the_variables_that_libraries_read_themselves_are_decoded_in_place(encode: Encode) -> None:
    squid = encode("http://squid:3128")
    environment = {"HTTP_PROXY": squid, "https_proxy": squid, "NO_PROXY": "localhost", "OTHER": squid}
    decode_proxies(environment)
    decoded = "http://squid:3128"
    assert environment == {"HTTP_PROXY": decoded, "https_proxy": decoded, "NO_PROXY": "localhost", "OTHER": squid}
