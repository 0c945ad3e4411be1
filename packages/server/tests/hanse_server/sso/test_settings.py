"""Providers in the configuration file."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hanse_core.errors import Invalid
from hanse_server.settings import Settings, load

PROVIDER = {"name": "hospital", "issuer": "https://login.hospital.example", "client_id": "hanse", "client_secret": "s"}
GRANT = {"organization": "alpha", "roles": ["Researcher"]}


@pytest.fixture
def loaded(tmp_path: Path) -> Any:
    def read(*providers: dict[str, Any]) -> Settings:
        file = tmp_path / "server.yaml"
        file.write_text(yaml.safe_dump({"oidc": list(providers)}))
        return load(file)

    return read


def test_a_provider_is_read(loaded: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file\n")
    given = {**PROVIDER, "client_secret": None, "client_secret_file": str(secret), "groups": {"r": GRANT}}
    (provider,) = loaded({**given, "unknown_users": "create"}).oidc
    assert provider.secret() == "from a file"
    assert provider.groups["r"].roles == ("Researcher",)
    assert provider.title == "hospital"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"groups": {"g": {"organization": "alpha", "roles": ["Root"]}}}, "cannot give the role Root"),
        ({"groups": {"g": {"organization": "alpha", "roles": ["Viewer", "node"]}}}, "cannot give the role node"),
        ({"issuer": "http://login.hospital.example"}, "https"),
        ({"issuer": "https://login.hospital.example?x=1"}, "https"),
        ({"issuer": "https://user@login.hospital.example"}, "https"),
        ({"redirect_uris": ["http://ui.example/callback"]}, "https"),
        ({"redirect_uris": ["https://*.example/callback"]}, "exact"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "https"),
        ({"algorithms": ["none"]}, "RS256"),
        ({"algorithms": ["HS256"]}, "RS256"),
        ({"algorithms": []}, "1 items or more"),
        ({"scopes": ["profile"]}, "openid"),
        ({"name": "Not Good"}, "must be of the form"),
        ({"client_secret": None}, "client_secret"),
        ({"client_secret_file": "/x"}, "client_secret"),
        ({"unknown_users": "create"}, "needs groups"),
    ],
)
def test_what_would_open_a_door_is_refused_at_start(loaded: Any, changed: dict[str, Any], text: str) -> None:
    with pytest.raises(Invalid) as refused:
        loaded({**PROVIDER, **changed})
    assert text in str(refused.value.errors)


def test_two_providers_are_told_apart_by_name_and_issuer(loaded: Any) -> None:
    for changed in ({"name": "other"}, {"issuer": "https://other.example"}):
        with pytest.raises(Invalid) as refused:
            loaded(PROVIDER, {**PROVIDER, **changed})
        assert "the same" in str(refused.value.errors)
