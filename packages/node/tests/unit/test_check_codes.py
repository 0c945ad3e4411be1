"""Each kind of problem has an exit code of its own, and weak settings are named without being problems."""

import socket
from pathlib import Path

import pytest

from hanse_node import check, check_data, weaknesses
from hanse_node.docker_settings import Docker
from hanse_node.findings import Finding, Problem
from hanse_node.policy.model import Policies
from hanse_node.settings import Settings
from hanse_node.settings_file import load

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "exit-codes.md"


@pytest.mark.parametrize("problem", list(Problem))
def test_every_code_is_documented(problem: Problem) -> None:
    assert f"| {problem.value} |" in PAGE.read_text()


def test_the_first_problem_gives_the_code_and_weak_settings_give_none() -> None:
    weak = Finding("weak", weak=True)
    assert check.exit_code([Finding("fine"), weak]) == 0
    assert check.exit_code([weak, Finding("a", problem=Problem.POLICY), Finding("b", problem=Problem.DISK)]) == 12
    assert (weak.mark, Finding("fine").mark, Finding("a", problem=Problem.OTHER).mark) == ("weak", "ok", "PROBLEM")


STOCK = """
api_key: 1f0c8b7a-0000-4000-8000-000000000000
server_url: http://hub.example
port: 443
api_path: /api
task_dir: /tasks
databases:
  - {label: default, uri: d.csv, type: csv, mount_mode: copy}
  - {label: warehouse, uri: "postgresql://u:secret@h/db", type: sql, env: {PASSWORD: x}}
encryption: {enabled: false, private_key: }
logging: {level: WARNING, use_console: true, backup_count: 5, max_size: 1024, format: x, datefmt: y}
share_algorithm_logs: true
policies:
  allowed_algorithms: ["^ghcr.io/clinic/x", "hanse/*"]
  allow_basics_algorithm: true
  require_algorithm_pull: false
"""


@pytest.fixture
def stock(tmp_path: Path) -> Settings:
    (tmp_path / "node.yaml").write_text(STOCK)
    (tmp_path / "node.yaml").chmod(0o600)
    return load(tmp_path / "node.yaml", environment={})


def test_a_stock_file_loads_with_one_warning_for_each_weak_setting(stock: Settings) -> None:
    keys = [weakness.key for weakness in weaknesses.of(stock, stock.policies)]
    assert sorted(keys) == [
        "api_key", "databases.default.mount_mode", "databases.warehouse.env", "databases.warehouse.uri",
        "policies.allow_basics_algorithm", "policies.allowed_algorithms", "policies.allowed_algorithms",
        "policies.require_algorithm_pull", "server_url", "share_algorithm_logs",
    ]  # fmt: skip


def test_files_that_others_can_read_or_change_are_weak(stock: Settings) -> None:
    assert stock.source is not None
    stock.source.chmod(0o646)
    meanings = [weakness.meaning for weakness in weaknesses.of(stock, None) if weakness.key == str(stock.source)]
    assert meanings == [
        "others on this machine can read the API key", "others on this machine can change what may run here",
    ]  # fmt: skip


def test_the_key_of_a_tunnel_that_others_can_read_is_weak(tmp_path: Path) -> None:
    (key := tmp_path / "t.pem").touch(0o644)
    ssh = f"{{host: h, fingerprint: ssh-rsa AAAA, identity: {{username: u, key: {key}}}}}"
    tunnel = f"{{hostname: t, ssh: {ssh}, tunnel: {{bind: {{port: 1}}, dest: {{port: 1}}}}}}"
    (tmp_path / "node.yaml").write_text(f"{STOCK}ssh-tunnels: [{tunnel}]\n")
    (tmp_path / "node.yaml").chmod(0o600)
    found = load(tmp_path / "node.yaml", environment={})
    assert str(key) in [weakness.key for weakness in weaknesses.of(found, found.policies)]
    key.chmod(0o600)
    assert str(key) not in [weakness.key for weakness in weaknesses.of(found, found.policies)]


def test_no_warning_tells_a_secret(stock: Settings) -> None:
    texts = " ".join(f"{weakness} {weakness.remedy}" for weakness in weaknesses.of(stock, stock.policies))
    assert "secret" not in texts
    assert "1f0c8b7a" not in texts


def test_every_relaxation_of_an_image_is_listed(stock: Settings) -> None:
    policies = Policies.model_validate(
        {
            "rules": [{"name": "all", "then": "allow"}],
            "per_image": [
                {
                    "images": "x", "profile": "v4", "writable_databases": "d", "capabilities": "CHOWN", "egress": "w",
                    "share_logs": True,
                }
            ],
        }
    )  # fmt: skip
    keys = {weakness.key for weakness in weaknesses.of(stock, policies)}
    accepted = weaknesses.of(stock, Policies(accept_v4_defaults=True))
    assert "accept_v4_defaults" in {weakness.key for weakness in accepted}
    relaxations = ("profile", "writable_databases", "capabilities", "egress", "share_logs")
    assert {f"policies.per_image.{key}" for key in relaxations} | {"policies.rules"} <= keys


def test_an_image_that_is_let_out_of_gvisor_is_listed(stock: Settings) -> None:
    images = {"x": {"oci_runtime": "runc"}, "y": {"oci_runtime": "runsc"}}
    docker = Docker.model_validate({"oci_runtime": "runsc", "images": images})
    found = weaknesses.of(stock.model_copy(update={"docker": docker}), None)
    told = {weakness.key: weakness.meaning for weakness in found if weakness.key.startswith("docker.")}
    assert told == {"docker.images.x": "not under runsc but runc"}


def test_nodes_of_one_machine_share_neither_folder_nor_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "hanse" / "nodes"
    folder.mkdir(parents=True)
    for name, key in (("a", "1"), ("b", "1"), ("c", "2")):
        (folder / f"{name}.yaml").write_text(
            f"api_key: k{key}\nserver_url: https://s\ndirectory: {tmp_path}/{'b' if name == 'c' else name}\n"
        )
    found = {name: check._neighbours(load(folder / f"{name}.yaml", environment={})) for name in "abc"}
    assert [finding.text for finding in found["a"]] == [f"the API key is also that of node 'b' ({folder}/b.yaml)"]
    assert {finding.text.split(" is ")[0] for finding in found["b"]} == {"the API key", "the directory"}
    assert [finding.problem for finding in found["c"]] == [Problem.SETTINGS]


async def test_a_name_to_which_a_way_out_leads_is_looked_up_unless_the_proxy_does_that(tmp_path: Path) -> None:
    asked = []

    async def resolver(name: str) -> list[str]:
        asked.append(name)
        if name == "gone.example":
            raise socket.gaierror("no such name")
        return ["192.0.2.1"]

    ways = {
        "here": {"domains": ["gone.example", "there.example", "*.wide.example", ".both.example"]},
        "beyond": {"domains": ["far.example"], "through_proxy": True},
    }
    proxy = {"url": "http://proxy.example:3128"}
    about = {"name": "n", "api_key": "k", "server_url": "https://s", "directory": tmp_path}
    found = Settings.model_validate({**about, "egress": ways, "proxy": proxy})
    (finding,) = await check_data.destinations(found, resolver)
    assert sorted(asked) == ["gone.example", "there.example"]
    assert (finding.problem, finding.text) == (
        Problem.DESTINATION, "the name gone.example, to which the way out 'here' leads, cannot be looked up from here",
    )  # fmt: skip
    assert "egress.here.domains" in finding.remedy


def test_a_way_out_that_does_not_exist_is_a_problem_of_the_policy(stock: Settings) -> None:
    policies = Policies.model_validate({"per_image": [{"images": "x", "egress": ["nowhere"]}]})
    (finding,) = check._ways(stock, policies)
    assert (finding.problem, finding.remedy) == (Problem.POLICY, "set egress.nowhere")
