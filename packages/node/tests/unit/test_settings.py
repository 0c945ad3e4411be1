"""Reading a node's configuration: stock files work, mistakes are named."""

from pathlib import Path
from typing import Any

import pytest

from hanse_core.errors import Invalid
from hanse_node.settings import Recipe, Settings
from hanse_node.settings_file import load

STOCK = """
api_key: 1f0c8b7a-0000-4000-8000-000000000000
server_url: https://server.example
port: 443
api_path: /api
task_dir: /tasks
databases:
  - {label: default, uri: d.csv, type: csv, mount_mode: copy}
  - {label: warehouse, uri: "postgresql://u@h/db", type: sql, env: {PASSWORD: 5}}
encryption: {enabled: false, private_key: }
logging: {level: WARNING, use_console: true, backup_count: 5, max_size: 1024, format: x, datefmt: y}
policies: {allowed_algorithms: "^hanse/.*", allowed_users: [2], allowed_organizations: [6, alpha]}
images: {node: "registry/node:4.15", hanse/summary: {package: hanse_summary}}
ssh-tunnels:
  - hostname: my-data-source
    ssh: {host: remote.example, port: 22, fingerprint: "ssh-rsa AAAAB3", identity: {username: bob, key: bob.pem}}
    tunnel: {bind: {ip: 0.0.0.0, port: 8000}, dest: {ip: 127.0.0.1, port: 5432}}
vpn_subnet: 10.76.0.0/16
share_config: false
directory: state
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "alpha.yaml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str, environment: dict[str, str] | None = None) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as caught:
        load(write(folder, text), environment=environment or {})
    assert "alpha.yaml" in caught.value.message
    return caught.value.errors


def changed(text: str, before: str, after: str) -> str:
    assert before in text
    return text.replace(before, after)


@pytest.fixture
def stock(tmp_path: Path) -> Settings:
    return load(write(tmp_path, STOCK), environment={})


def test_a_stock_file_is_read(stock: Settings, tmp_path: Path) -> None:
    assert stock.name == "alpha"
    assert (stock.root_url, stock.api_url) == ("https://server.example:443", "https://server.example:443/api")
    assert stock.directory == tmp_path / "state"
    assert stock.databases[0].uri == str(tmp_path / "d.csv")
    assert stock.databases[1].env == {"PASSWORD": "5"}
    assert not stock.databases[1].is_path
    assert stock.policies is not None
    assert stock.policies.allowed_algorithms == ("^hanse/.*",)
    assert (stock.policies.allowed_users, stock.policies.allowed_organizations) == (("2",), ("6", "alpha"))
    assert stock.images["hanse/summary"] == Recipe(package="hanse_summary")
    assert stock.logging.level == "WARNING"
    assert not stock.share_config


def test_stock_keys_without_effect_are_named(stock: Settings) -> None:
    assert stock.ignored() == ["task_dir", "vpn_subnet"]


def test_nothing_secret_is_in_the_text_of_the_settings(stock: Settings) -> None:
    assert "1f0c8b7a" not in repr(stock)
    assert stock.key().startswith("1f0c8b7a")


@pytest.mark.parametrize(
    ("before", "after", "field", "cause"),
    [
        ("share_config", "share_konfig", "share_konfig", "unknown key"),
        ("enabled: false", "enabeld: false", "encryption.enabeld", "unknown key"),
        ("server_url: https://server.example", "", "server_url", "is required"),
        ("https://server.example", "server.example", "settings", "server_url"),
        ("port: 443", "port: 99999", "port", "65535"),
        ("label: warehouse", "label: DEFAULT", "settings", "labels must differ"),
        ("label: warehouse", "label: 2x", "databases.1.label", "pattern"),
        ("level: WARNING", "level: LOUD", "logging.level", "'DEBUG'"),
        ("directory: state", "directory: " + 90 * "x", "settings", "directory"),
        ("api_key: 1f0c8b7a-0000-4000-8000-000000000000", "", "settings", "exactly one of api_key and api_key_file"),
        ("policies: {", "policies_file: p.yaml\npolicies: {", "settings", "in one place"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, before: str, after: str, field: str, cause: str) -> None:
    errors = problems(tmp_path, changed(STOCK, before, after))
    assert field in errors
    assert cause in " ".join(errors[field])


@pytest.mark.parametrize("text", ["a: [", "- just\n- a list\n", "\x00"])
def test_what_is_not_yaml_is_refused(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text) == {}


def test_without_a_name_the_private_key_is_where_v4_has_it(tmp_path: Path) -> None:
    settings = load(write(tmp_path, changed(STOCK, "enabled: false", "enabled: true")), environment={})
    assert settings.encryption.private_key == tmp_path / "state" / "private_key.pem"


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"none\.yaml cannot be read"):
        load(tmp_path / "none.yaml", environment={})


def test_the_environment_wins(tmp_path: Path) -> None:
    environment = {
        "HANSE_NODE_LIMITS__SECONDS": "10",
        "HANSE_NODE_POLICIES__ALLOWED_USERS": '["3", "4"]',
        "HANSE_NODE_SHARE_ALGORITHM_LOGS": "false",
        "HANSE_NODE_PORT": "80",
        "HOME": "/home/x",
    }
    settings = load(write(tmp_path, STOCK), "other", environment)
    assert settings.limits.seconds == 10
    assert settings.limits.parallel_runs == 4
    assert settings.policies is not None
    assert settings.policies.allowed_users == ("3", "4")
    assert settings.policies.allowed_algorithms == ("^hanse/.*",)
    assert not settings.share_algorithm_logs
    assert settings.root_url.endswith(":80")
    assert settings.name == "other"


def test_an_unknown_variable_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path, STOCK, {"HANSE_NODE_COLOUR": "red"}) == {
        "colour": ["unknown key; see the settings reference for the known ones"]
    }


def test_the_key_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    text = changed(STOCK, "api_key: 1f0c8b7a-0000-4000-8000-000000000000", "api_key_file: key")
    settings = load(write(tmp_path, text), environment={})
    assert settings.key() == "from-a-file"
    (tmp_path / "key").unlink()
    with pytest.raises(Invalid, match="api_key_file"):
        settings.key()


@pytest.mark.parametrize("policies", ["policies: {}", "policies:", ""])
def test_no_policy_is_no_policy_however_it_is_written(tmp_path: Path, policies: str) -> None:
    line = next(line for line in STOCK.splitlines() if line.startswith("policies"))
    assert load(write(tmp_path, changed(STOCK, line, policies)), environment={}).policies is None


def test_settings_cannot_be_changed(stock: Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        stock.port = 1  # type: ignore[misc]


def test_without_a_directory_the_users_data_folder_is_taken(tmp_path: Path) -> None:
    text = changed(STOCK, "directory: state", "")
    given: Any = {"XDG_DATA_HOME": "/data"}
    assert load(write(tmp_path, text), environment=given).directory == Path("/data/hanse/nodes/alpha")


def test_a_port_may_be_absent(tmp_path: Path) -> None:
    settings = load(write(tmp_path, changed(STOCK, "port: 443", "port: null")), environment={})
    assert settings.api_url == "https://server.example/api"


def test_the_list_of_a_stock_file_is_a_way_out_of_its_own_name(tmp_path: Path) -> None:
    lists = "whitelist: {domains: [.example.org], ips: [10.0.0.1], ports: ['443', 8080]}\n"
    way = load(write(tmp_path, STOCK + lists), environment={}).ways["whitelist"]
    assert (way.domains, list(map(str, way.addresses)), way.ports) == ((".example.org",), ["10.0.0.1/32"], (443, 8080))


def test_ways_out_that_do_not_fit_together_are_named(tmp_path: Path) -> None:
    named = changed(STOCK, "type: csv,", "type: csv, egress: [nowhere],")
    twice = STOCK + "whitelist: {domains: x.example}\negress: {whitelist: {domains: y.example}}\n"
    through = STOCK + "egress: {a: {domains: x.example, through_proxy: true}}\n"
    assert "egress does not define: nowhere" in str(problems(tmp_path, named))
    assert "one name for two ways out" in str(problems(tmp_path, twice))
    assert "egress.a.through_proxy needs proxy" in str(problems(tmp_path, through))


def test_the_tunnels_of_a_stock_file_have_their_hostnames(stock: Settings, tmp_path: Path) -> None:
    tunnel = stock.tunnels["my-data-source"]
    assert (tunnel.port, str(tunnel)) == (8000, "127.0.0.1:5432 behind remote.example:22")
    assert tunnel.ssh.identity.key == tmp_path / "bob.pem"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("ssh-rsa AAAAB3", "SHA256:abc", "ssh-keyscan"),
        ("hostname: my-data-source", "hostname: proxyserver", "cannot be the name"),
        ("postgresql://u@h/db", "postgresql://u@my-data-source/db", "has port 5432 of the tunnel my-data-source"),
        ("ssh-tunnels:", "egress: {my-data-source: {domains: x.example}}\nssh-tunnels:", "two ways out, tunnels"),
    ],
)
def test_tunnels_that_cannot_be_are_named(tmp_path: Path, before: str, after: str, problem: str) -> None:
    assert problem in str(problems(tmp_path, changed(STOCK, before, after)))
