"""The systemd unit of a node, as systemd reads it."""

import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from hanse_core import command


@pytest.fixture
def nodes(tmp_path: Path) -> list[Path]:
    """Give the files of two nodes of one machine, in a folder whose name is not simple."""
    folder = tmp_path / "50% of $HOME"
    folder.mkdir()
    found = []
    for name, runtime in (("alpha", "docker"), ("beta", "process")):
        fields = {
            "api_key_file": "k",
            "server_url": "http://localhost",
            "runtime": runtime,
            "directory": f"/tmp/{name}",
        }
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(fields))
        found.append(path)
    return found


def printed(config: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    assert command.main(["node", "unit", "--config", str(config), *flags]) == 0
    return capsys.readouterr().out


def test_each_node_has_a_unit_with_its_own_folder_that_leaves_algorithms_alone(
    nodes: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    services = []
    for config in nodes:
        unit = ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(printed(config, capsys, "--user", "hanse"))
        services.append(unit["Service"])
    assert [service["KillMode"] for service in services] == ["process", "process"]
    assert [service["User"] for service in services] == ["hanse", "hanse"]
    assert [service["ReadWritePaths"] for service in services] == ["/tmp/alpha /run", "/tmp/beta"]
    assert "50%% of $$HOME/alpha.yaml" in services[0]["ExecStart"]
    assert ["ProtectKernelTunables" in service for service in services] == [True, False]


def test_a_folder_that_is_not_there_yet_is_named_apart_from_the_unit(
    nodes: list[Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    line = ["node", "unit", "--config", str(nodes[0])]
    nodes[0].write_text(nodes[0].read_text().replace("/tmp/alpha", f"{tmp_path}/new"))
    command.main(line)
    assert f"install -d -m 700 -o root {tmp_path}/new" in capsys.readouterr().err
    (tmp_path / "new").mkdir()
    command.main(line)
    assert capsys.readouterr().err == ""


@pytest.mark.needs("systemd")
def test_systemd_finds_no_fault_and_calls_the_exposure_less_than_that_of_a_plain_service(
    nodes: list[Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for config in nodes:
        path = tmp_path / f"hanse-{config.stem}.service"
        path.write_text(printed(config, capsys))
        verified = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False, timeout=60
        )
        assert path.name not in verified.stderr, verified.stderr
        rated = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--threshold=80", path],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert rated.returncode == 0, rated.stdout + rated.stderr
