"""What `hanse server check` says of providers."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hanse_core.permissions import Operation, Resource, Scope
from hanse_server.checks import examine
from hanse_server.settings import Settings


def findings(settings: Any, *providers: Any) -> Any:
    return examine(settings.model_copy(update={"oidc": providers, "port": 0}))


@pytest.fixture
def settings(tmp_path: Path, prepared_file: Path) -> Settings:
    """Settings without providers."""
    path = tmp_path / "server.sqlite"
    shutil.copy(prepared_file, path)
    return Settings(uri=f"sqlite:///{path}", jwt_secret_key="a secret for tests only, of more than thirty-two bytes")


@pytest.mark.needs("npm")
def test_groups_that_give_nothing_are_named_with_what_to_do(
    settings: Any, hospital: Any, registration: Any, make: Any
) -> None:
    alpha = make.organization("alpha")
    make.role("Superuser", alpha, (Resource.ORGANIZATION, Operation.DELETE, Scope.GLOBAL))
    make.role("Reader", alpha, (Resource.TASK, Operation.VIEW, Scope.COLLABORATION))
    groups = {
        "good": {"organization": "alpha", "roles": ["Researcher", "Reader"]},
        "high": {"organization": "alpha", "roles": ["Superuser"]},
        "odd": {"organization": "alpha", "roles": ["Reseacher"]},
        "lost": {"organization": "alhpa", "roles": ["Viewer"]},
    }
    found = findings(settings, registration(hospital, groups=groups))
    assert found.problems == ()
    said = [text for text in found.warnings if "the group" in text]
    assert len(said) == 3
    assert "high" in said[0]
    assert "more than any default role below Root" in said[0]
    assert "there is no role Reseacher" in said[1]
    assert "alhpa" in said[2]


def test_a_provider_that_does_not_answer_is_a_warning(settings: Any, registration: Any, unused_tcp_port: int) -> None:
    absent = registration(SimpleNamespace(issuer=f"http://127.0.0.1:{unused_tcp_port}"))
    found = findings(settings, absent)
    assert found.problems == ()
    assert any("nobody can log in at hospital" in text for text in found.warnings)


def test_a_secret_or_authority_that_cannot_be_read_is_a_problem(
    settings: Any, registration: Any, tmp_path: Path, unused_tcp_port: int
) -> None:
    realm = SimpleNamespace(issuer=f"http://127.0.0.1:{unused_tcp_port}")
    missing = tmp_path / "missing"
    for changed in ({"ca_file": missing}, {"client_secret": None, "client_secret_file": missing}):
        found = findings(settings, registration(realm, **changed))
        assert any("hospital" in text for text in found.problems)
