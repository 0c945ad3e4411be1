"""Which new passwords are refused, beyond those that lack the kinds of characters that the protocol asks for."""

import secrets
import string
from importlib.resources import files

from hanse_core.errors import Invalid
from hanse_server.settings.passwords import PasswordPolicy

LEET = str.maketrans("@4310!|$57", "aaeioiisst")
COMMON = frozenset(files("hanse_server.accounts").joinpath("common_words.txt").read_text("ascii").split())
"""Words around which the commonest passwords are made that have all kinds of characters: `Password1!`."""
SHORTEST_CONTAINED = 4
ALPHABET = string.ascii_letters + string.digits


def generated_password() -> str:
    """Make up a password of 140 random bits, with characters of all four kinds."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(6)) for _ in range(4))
    return "-".join(groups) + secrets.choice(string.ascii_lowercase) + secrets.choice(string.ascii_uppercase) + "1"


class PasswordRules:
    """Judges new passwords."""

    def __init__(self, policy: PasswordPolicy) -> None:
        self._minimum = policy.minimum_length

    def require_acceptable(self, password: str, username: str, field: str = "password") -> None:
        """Refuse a password that is short, common or much like the username; names the field of the request."""
        problem = self._problem(password, username)
        if problem is not None:
            raise Invalid(f"the password {problem}", errors={field: [problem]})

    def _problem(self, password: str, username: str) -> str | None:
        if len(password) < self._minimum:
            return f"is too short: this server wants {self._minimum} characters or more"
        name = username.casefold()
        if _core(password) == _core(name) or (len(name) >= SHORTEST_CONTAINED and name in password.casefold()):
            return "must not be like the username"
        if _core(password) in COMMON:
            return "is among those that are tried first; choose several words that do not belong together"
        return None


def _core(text: str) -> str:
    """Take the digits and signs off both ends, and read those within as the letters that they stand for."""
    lowered = text.casefold()
    bare = lowered.strip("".join({character for character in lowered if not character.isalpha()}))
    return "".join(character for character in bare.translate(LEET) if character.isalpha())
