"""Which new passwords are good enough: when a user is added, and when a password is changed."""

from typing import Any

import pytest

from hanse_core.errors import Invalid
from hanse_server.accounts.password_rules import PasswordRules
from hanse_server.settings import Settings
from hanse_server.settings.passwords import PasswordPolicy

GOOD = "Battery-staple-2"
RULES = PasswordRules(PasswordPolicy())


@pytest.mark.parametrize(
    "password", [GOOD, "New-passw0rd!", "Throw-away1!", "Tr0ub4dor&3", "Köln-am-Rhein-4", "xY9!xY9!"]
)
def test_good_passwords_are_accepted(password: str) -> None:
    RULES.require_acceptable(password, "alice")


@pytest.mark.parametrize(
    "password",
    [
        "Password1!",
        "P@ssw0rd1",
        "pa$$W0RD!1",
        "Welcome123!",
        "Summer2026!",
        "Qwerty123!",
        "!!Admin2024",
        "Ch4ngeme!!",
        "1Hospital!",
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        RULES.require_acceptable(password, "alice")
    assert "password" in caught.value.errors


@pytest.mark.parametrize("password", ["Alice-2026!", "xx-ALICE-xx1", "My.alice.1"])
def test_what_is_like_the_username_is_refused(password: str) -> None:
    with pytest.raises(Invalid):
        RULES.require_acceptable(password, "alice")


def test_a_short_username_may_be_part_of_a_longer_word() -> None:
    RULES.require_acceptable("Tunnel-vision-7", "nel")
    with pytest.raises(Invalid):
        RULES.require_acceptable("Nel12345!", "nel")


class TestOnTheServer:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"password_policy": PasswordPolicy(minimum_length=12)})

    @pytest.mark.parametrize("password", ["Short-one-1", "Newcomer-2026!", "Password2026!"])
    async def test_a_user_is_not_added_with_a_bad_password(self, as_user: Any, password: str) -> None:
        body = {"username": "newcomer", "email": "n@example.org", "password": password}
        refused = await as_user("root").post("/user", json=body)
        assert refused.status_code == 400
        assert "password" in refused.json()["errors"]
        assert (await as_user("root").post("/user", json={**body, "password": GOOD})).status_code == 201

    async def test_a_password_is_not_changed_to_a_bad_one(self, as_user: Any, make: Any) -> None:
        make.user("alice", make.organization("alpha"))
        client = as_user("alice")
        for password in ("Short-one-1", "Password2026!", "With-alice-in-it-1"):
            body = {"current_password": "Correct-horse-1", "new_password": password}
            refused = await client.patch("/password/change", json=body)
            assert refused.status_code == 400
            assert "new_password" in refused.json()["errors"]


def test_the_bound_can_only_be_raised() -> None:
    for length in (7, 129):
        with pytest.raises(ValueError, match="minimum_length"):
            PasswordPolicy(minimum_length=length)
