import email
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = re.compile(r"^hanse-")

DEPENDENCIES = {
    "algorithm": set(),
    "core": {"cryptography", "pydantic"},
    "client": {"hanse-core", "httpx", "rich"},
}
"""What the small wheels may pull in; growing this list is a decision."""


@pytest.fixture(scope="module")
def wheels(uv: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    build = [uv, "build", "--quiet", "--wheel", "--out-dir", folder]
    for package in ("core", "algorithm", "client", "node", "server", "sandbox"):
        subprocess.run([*build, ROOT / "packages" / package], check=True, timeout=120)
    return {path.name.split("-")[0].removeprefix("hanse_"): path for path in folder.glob("*.whl")}


def _metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def _requires(wheel: Path) -> set[str]:
    lines = _metadata(wheel).get_all("Requires-Dist") or []
    return {re.split(r"[^A-Za-z0-9_.-]", line)[0] for line in lines if "extra ==" not in line}


@pytest.mark.needs("uv")
def test_the_small_wheels_pull_in_what_is_agreed_and_the_sdk_nothing(wheels: dict[str, Path]) -> None:
    assert {name: _requires(wheels[name]) for name in DEPENDENCIES} == DEPENDENCIES


@pytest.mark.needs("uv")
def test_every_wheel_has_code_types_and_one_version(wheels: dict[str, Path]) -> None:
    assert set(wheels) == {"core", "algorithm", "client", "node", "server", "sandbox"}
    assert len({_metadata(path)["Version"] for path in wheels.values()}) == 1
    for path in wheels.values():
        with zipfile.ZipFile(path) as archive:
            assert any(name.endswith("/py.typed") for name in archive.namelist()), path.name


@pytest.mark.needs("uv")
def test_the_sandbox_ships_the_trial_with_source_and_licence(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["sandbox"]) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist() if "/data/" in name}
    assert {"lung.csv", "README.md", "LICENSE.lifelines"} <= names
