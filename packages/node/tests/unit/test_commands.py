"""Setting up a node and its policy from the command line, and trying the policy without running anything."""

import io
import json
from pathlib import Path

import pytest
import yaml

from hanse_core import command
from hanse_node import places, policy_file
from hanse_node.policy.model import Policies, Profile
from hanse_node.settings_file import load


@pytest.fixture(autouse=True)
def home(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every test have usual folders of its own, and nobody to ask."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(short_folder / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(short_folder / "data"))
    monkeypatch.setattr("sys.stdin", io.StringIO("key-from-input\n"))
    return short_folder


def init(*more: str) -> int:
    return command.main(["node", "init", "--name", "alpha", "--server", "https://hub.example:8443/api", *more])


def test_init_with_flags_asks_nothing_and_makes_a_node_that_loads(home: Path) -> None:
    data = home / "d.csv"
    data.write_text("age\n1\n")
    assert init("--api-key-file", "-", "--database", f"lung:csv:{data}", "--runtime", "process") == 0
    config = places.configured()["alpha"]
    settings = load(config, environment={})
    assert (settings.api_url, settings.key()) == ("https://hub.example:8443/api", "key-from-input")
    assert (settings.databases[0].label, settings.databases[0].uri) == ("lung", str(data))
    assert [path.stat().st_mode & 0o077 for path in (config, config.with_suffix(".key"))] == [0, 0]
    policies = policy_file.read(settings, {})
    assert policies is not None
    assert policies.allows_nothing
    assert "key-from-input" not in config.read_text()


def test_a_second_node_of_the_same_name_is_refused_and_nothing_is_overwritten(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert init("--api-key-file", "-") == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("another\n"))
    assert init("--api-key-file", "-") == 1
    assert "a node 'alpha' on this machine already" in capsys.readouterr().err
    assert places.configured()["alpha"].with_suffix(".key").read_text() == "key-from-input\n"


@pytest.mark.parametrize(
    ("flags", "cause"),
    [
        ((), "--api-key-file is missing"),
        (("--api-key-file", "-", "--database", "lung"), "LABEL:TYPE:URI"),
        (("--api-key-file", "/nowhere"), "cannot be read"),
        (("--api-key-file", "-", "--database", "2x:csv:/d"), "databases.0.label"),
    ],
)
def test_a_mistake_is_named_and_leaves_nothing_behind(
    home: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], cause: str
) -> None:
    assert init(*flags) == 1
    assert cause in capsys.readouterr().err
    assert places.configured() == {}
    assert not list(home.rglob("alpha*"))


@pytest.mark.parametrize("ending", [".key", ".policy.yaml"])
def test_a_file_that_was_there_before_survives_a_failure_half_way(
    home: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    folder = home / "config" / "hanse" / "node"
    folder.mkdir(parents=True)
    (folder / f"alpha{ending}").write_text("of somebody else")
    assert init("--api-key-file", "-", "--folder", str(folder)) == 1
    assert f"alpha{ending} exists already" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in folder.iterdir()} == {f"alpha{ending}": "of somebody else"}


def test_nodes_are_found_by_name_and_a_choice_is_asked_for(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["node", "status"]) == 1
    assert "its file with --config" in capsys.readouterr().err
    init("--api-key-file", "-")
    assert command.main(["node", "status"]) == 3
    assert "not running" in capsys.readouterr().out
    other = home / "config" / "vantage6" / "node" / "stock.yaml"
    other.parent.mkdir(parents=True)
    other.write_text(places.configured()["alpha"].read_text())
    assert command.main(["node", "status"]) == 1
    assert "--name: alpha, stock" in capsys.readouterr().err
    assert command.main(["node", "status", "--name", "alpha", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["node"] == "alpha"
    assert command.main(["node", "ls"]) == 0
    assert "stock" in capsys.readouterr().out
    assert command.main(["node", "status", "--name", "gamma"]) == 1
    assert "there is no gamma.yaml" in capsys.readouterr().err


def test_two_nodes_of_one_machine_have_folders_of_their_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("alpha", "beta"):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"key of {name}\n"))
        command.main(["node", "init", "--name", name, "--server", "https://h", "--api-key-file", "-"])
    alpha, beta = (places.settings_of(None, name) for name in ("alpha", "beta"))
    assert alpha.directory != beta.directory
    assert alpha.key() != beta.key()


def test_a_policy_is_written_from_flags_with_everything_else_explained(home: Path) -> None:
    init("--api-key-file", "-")
    output = home / "p.yaml"
    flags = ["--allow", "hanse/summary", "--store", "https://s", "--organization", "beta", "--user", "7"]
    more = ["--v4-image", "ghcr.io/vantage6/*", "--max-result", "1MB", "--output", str(output)]
    assert command.main(["node", "policy", "init", *flags, *more]) == 0
    policies = Policies.model_validate(yaml.safe_load(output.read_text()))
    assert policies.allowed_algorithms == ("hanse/summary", "ghcr.io/vantage6/*")
    assert (policies.allowed_algorithm_stores, policies.allowed_users) == (("https://s",), ("7",))
    assert policies.per_image[0].profile is Profile.V4
    assert policies.results.max_bytes == 1_000_000
    assert "# rules:" in output.read_text()
    assert command.main(["node", "policy", "init", "--allow", "x", "--output", str(output)]) == 1


def test_a_policy_takes_over_the_lists_of_a_stock_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stock = home / "stock.yaml"
    stock.write_text(
        "api_key: k\nserver_url: https://s\npolicies: {allowed_algorithms: ['^a$'], allowed_organizations: [6]}\n"
    )
    assert command.main(["node", "policy", "init", "--config", str(stock)]) == 0
    policies = Policies.model_validate(yaml.safe_load((home / "stock.policy.yaml").read_text()))
    assert (policies.allowed_algorithms, policies.allowed_organizations) == (("^a$",), ("6",))
    assert "remove policies from" in capsys.readouterr().out


RULES = """
allowed_organizations: [alpha]
rules:
  - {name: no raw rows, then: deny, functions: "raw*"}
  - name: few bins
    then: allow
    images: "hanse/*"
    databases: [default]
    arguments: {properties: {bins: {maximum: 20}}, required: [bins]}
  - {name: exports, then: ask before release, functions: export}
per_image: [{images: "hanse/old", profile: v4, capabilities: CHOWN}]
results: {schema: {type: object}}
"""
GOOD = ["--image", "hanse/old", "--method", "f", "--arguments", '{"bins": 3}', "--organization", "3:alpha"]


@pytest.mark.parametrize(
    ("change", "code", "rule"),
    [
        ([], 0, "few bins"),
        (["--database", "default"], 0, "few bins"),
        (["--database", "lung"], 1, "no rule"),
        (["--method", "raw_rows"], 1, "no raw rows"),
        (["--arguments", '{"bins": 30}'], 1, "no rule"),
        (["--positional", "1"], 1, "no rule"),
        (["--organization", "3"], 1, "allowed_organizations"),
        (["--method", "export", "--arguments", "{}"], 1, "exports"),
    ],
)
def test_a_policy_can_be_tried_without_running_anything(
    home: Path, capsys: pytest.CaptureFixture[str], change: list[str], code: int, rule: str
) -> None:
    (home / "p.yaml").write_text(RULES)
    line = ["node", "policy", "test", "--policy", str(home / "p.yaml"), "--json", *GOOD, *change]
    assert command.main(line) == code
    facts = json.loads(capsys.readouterr().out)
    assert facts["rule"] == rule
    assert (facts["profile"], facts["capabilities"]) == ("v4", ["CHOWN"])
    assert command.main([part for part in line if part != "--json"]) == code
    told = capsys.readouterr().out
    assert f"rule               {rule}" in told
    assert ("refuses for now" in told) == (rule == "exports")


def test_a_try_names_what_the_node_would_look_up(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "p.yaml").write_text("allowed_algorithm_stores: https://s\nallowed_organizations: [alpha]")
    line = ["node", "policy", "test", "--policy", str(home / "p.yaml"), "--image", "x", "--organization", "3:alpha"]
    assert command.main(line) == 1
    assert "the answer of the store" in capsys.readouterr().out
    assert command.main([*line, "--store-approves", "yes"]) == 0
    assert command.main([*line, "--store-approves", "no"]) == 1


def test_a_result_can_be_tried_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "p.yaml").write_text(RULES)
    (home / "result").write_text("[1]")
    line = ["node", "policy", "test", "--policy", str(home / "p.yaml"), *GOOD, "--result", str(home / "result")]
    assert command.main(line) == 1
    assert "results.schema" in capsys.readouterr().out
    (home / "result").write_text("{}")
    assert command.main(line) == 0


@pytest.mark.parametrize("text", ["rules: [", "allowed_algoritms: x"])
def test_a_broken_policy_is_named_with_its_mistake(home: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (home / "p.yaml").write_text(text)
    assert command.main(["node", "policy", "test", "--policy", str(home / "p.yaml"), "--image", "x"]) == 1
    assert "p.yaml" in capsys.readouterr().err


def test_a_try_names_the_ways_out_that_a_run_would_get(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "n.yaml").write_text(
        "api_key: k\nserver_url: https://s\negress: {own: {domains: x.example}}\n"
        "databases: [{label: d, type: sql, uri: 'x://y', egress: [own]}]\n"
        "policies: {allowed_algorithms: x, per_image: [{images: x, egress: [nowhere]}]}\n"
    )
    line = ["node", "policy", "test", "--config", str(home / "n.yaml"), "--image", "x", "--database", "d", "--json"]
    assert command.main(line) == 0
    assert json.loads(capsys.readouterr().out)["ways_out"] == ["nowhere (not defined in the settings)", "own"]


def test_a_try_says_where_the_selected_databases_are(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "n.yaml").write_text(
        "api_key: k\nserver_url: https://s\npolicies: {allowed_algorithms: x}\ndatabases:\n"
        "  - {label: d, type: sql, uri: 'postgresql://u:${file:/no/such/file}@db.example/x'}\n"
        "  - {label: other, type: sql, uri: 'postgresql://elsewhere.example/x'}\n"
        "  - {label: w, type: sql, uri: 'postgresql://my_source/x', egress: [terms]}\n"
        "docker_services: {my_source: clinic-postgres, terms: clinic-terms}\n"
    )
    line = ["node", "policy", "test", "--config", str(home / "n.yaml"), "--image", "x", "--database", "d", "--json"]
    assert command.main(line) == 0
    assert json.loads(capsys.readouterr().out)["databases_elsewhere"] == ["d at db.example:5432"]
    assert command.main([*line, "--database", "w"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["databases_elsewhere"][1:] == ["w at my_source:5432, which is the container clinic-postgres"]
    assert told["ways_out"] == ["terms (the container clinic-terms)"]
