"""Decisions about people of providers, without looking anything up."""

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from hanse_core.errors import Invalid, Unauthenticated
from hanse_core.permissions import DEFAULT_ROLES, IDENTITY_ROLES, Permissions, Rule
from hanse_core.wire.accounts import EMAIL
from hanse_server.letters.writing import NOBODY
from hanse_server.settings.oidc import ROOT_ROLE, OidcProvider

LOOPBACK_PATH = "/callback"
NAME_LENGTH = 60
_GIVEABLE = Permissions(
    rule for role in DEFAULT_ROLES if role.name not in {ROOT_ROLE, *IDENTITY_ROLES} for rule in role.rules
)


def may_be_given(rules: Iterable[Rule]) -> bool:
    """Tell whether a role with these rules can come of a group: nothing that no default role below Root allows."""
    return _GIVEABLE.covers(rules)


def counted_groups(provider: OidcProvider, groups: Collection[str], organization: str) -> frozenset[str]:
    """Give the groups that give something at this organization."""
    return frozenset(
        name for name, grant in provider.groups.items() if name in groups and grant.organization == organization
    )


def organizations_of(provider: OidcProvider, groups: Collection[str]) -> frozenset[str]:
    """Give the names of the organizations to which the groups belong."""
    return frozenset(grant.organization for name, grant in provider.groups.items() if name in groups)


def roles_of(provider: OidcProvider, counted: Iterable[str]) -> frozenset[str]:
    """Give the names of the roles that the groups give."""
    return frozenset(role for name in counted for role in provider.groups[name].roles)


def proves_second_factor(provider: OidcProvider, claims: Mapping[str, Any]) -> bool:
    """Tell whether an ID token proves a second factor, where the provider's word is taken for it (RFC 8176)."""
    methods = claims.get("amr")
    said = [*(methods if isinstance(methods, list) else [methods]), claims.get("acr")]
    return provider.second_factor == "trusted" and any(each in provider.second_factor_proofs for each in said)


def require_redirect(provider: OidcProvider, redirect_uri: str) -> None:
    """Refuse an address that is not listed; codes must not travel anywhere else."""
    if redirect_uri not in provider.redirect_uris and not (provider.loopback and _is_loopback(redirect_uri)):
        raise Invalid(
            f"the address {redirect_uri} is not among the redirect_uris of the provider {provider.name}",
            errors={"redirect_uri": ["is not listed in the settings of the server"]},
        )


def _is_loopback(address: str) -> bool:
    """Tell whether an address is that of a client on the same machine as the browser (RFC 8252, section 7.3)."""
    try:
        port = urlsplit(address).port
    except ValueError:
        return False
    return address in (f"http://127.0.0.1:{port}{LOOPBACK_PATH}", f"http://[::1]:{port}{LOOPBACK_PATH}")


def require_same_state(given: str, wanted: str) -> None:
    """Refuse an answer that belongs to another start."""
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Unauthenticated("the provider's answer belongs to another login (state); start again")


def usernames(claims: Mapping[str, Any], provider: str, subject: str) -> Iterator[str]:
    """Suggest usernames for a person, the nicest first; the last one is nobody else's."""
    wish = str(claims.get("preferred_username") or claims.get("nickname") or claims.get("given_name") or "")
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", wish.partition("@")[0])[:NAME_LENGTH].strip("-._")
    if not re.match(r"^[A-Za-z].{2}", base):
        base = f"user-{base}" if base else "user"
    yield from (base, f"{base}-{provider}", f"{base}-{provider}-{_digest(provider, subject)[:12]}")


def email(claims: Mapping[str, Any], provider: str, subject: str) -> str:
    """Give the address of a person where the provider has verified it, else one that reaches nobody."""
    given = claims.get("email")
    is_address = isinstance(given, str) and re.fullmatch(EMAIL, given) and len(given) <= 254
    if is_address and claims.get("email_verified") is True:
        return str(given)
    return no_email(provider, subject)


def no_email(provider: str, subject: str) -> str:
    """Give an address that reaches nobody, for accounts must have one each."""
    return f"{_digest(provider, subject)[:24]}@{provider}{NOBODY}"


def _digest(provider: str, subject: str) -> str:
    return hashlib.sha256(f"{provider} {subject}".encode()).hexdigest()


def name(claims: Mapping[str, Any], key: str) -> str:
    """Give a part of a person's name, as far as it is one."""
    given = claims.get(key)
    return given[:128] if isinstance(given, str) and given.isprintable() else ""
