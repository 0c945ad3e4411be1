"""Every setting is in the reference."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from hanse_node.database_settings import Database
from hanse_node.docker_settings import Devices, Docker, ImageRules, Registry
from hanse_node.egress_settings import HttpProxy, Way
from hanse_node.policy.model import ImageTerms, Policies, ResultLimits, Rule
from hanse_node.settings import Encryption, Recipe, RunLimits, Settings

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "node-settings.md"
SECTIONS: list[tuple[str, type[BaseModel]]] = [
    ("", Settings), ("databases[].", Database), ("encryption.", Encryption), ("policies.", Policies),
    ("policies.rules[].", Rule), ("policies.per_image[].", ImageTerms), ("policies.results.", ResultLimits),
    ("images.<name>.", Recipe), ("limits.", RunLimits),
    ("docker.", Docker), ("docker.images.<pattern>.", ImageRules), ("docker_registries[].", Registry),
    ("algorithm_device_requests.", Devices), ("egress.<name>.", Way), ("proxy.", HttpProxy),
]  # fmt: skip
PARENTS = {
    "databases", "encryption", "policies", "images", "limits", "logging", "docker", "docker_registries",
    "algorithm_device_requests", "egress", "proxy", "policies.rules", "policies.per_image", "policies.results",
}  # fmt: skip
KEYS = [
    prefix + (field.alias or name)
    for prefix, model in SECTIONS
    for name, field in model.model_fields.items()
    if prefix + name not in PARENTS and (model, name) != (Docker, "images")
]


@pytest.mark.parametrize("key", KEYS)
def test_each_setting_is_documented(key: str) -> None:
    assert f"`{key}`" in PAGE.read_text()
