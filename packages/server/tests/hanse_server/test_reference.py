"""The generated pages name everything there is."""

from hanse_core.permissions import DEFAULT_ROLES
from hanse_server.reference import permissions_page, settings_page
from hanse_server.settings import Settings


def test_every_setting_is_explained() -> None:
    page = settings_page()
    for name, field in Settings.model_fields.items():
        assert f"`{name}" in page
        assert f"`{name}." in page or (field.description or "").replace("\n", " ") in page
    assert "`HANSE_SERVER_PASSWORD_POLICY__INACTIVATION_MINUTES`" in page
    assert "| `smtp.port` | `HANSE_SERVER_SMTP__PORT` | whole number |" in page


def test_every_rule_and_role_is_listed() -> None:
    page = permissions_page()
    assert sum(line.split("|")[1].strip().isdigit() for line in page.splitlines() if line.startswith("| ")) == 86
    assert all(role.name in page for role in DEFAULT_ROLES)
