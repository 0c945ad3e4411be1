"""What an operator should know of the providers in the settings, before somebody fails to log in."""

import asyncio
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.errors import HanseError
from hanse_server.accounts.models import Organization
from hanse_server.settings.oidc import OidcProvider
from hanse_server.sso.people import giveable_roles
from hanse_server.sso.provider import Provider
from hanse_web.clock import SystemClock


def require_usable(providers: Sequence[OidcProvider]) -> None:
    """Refuse settings with which a provider cannot be used at all. Raises `Invalid`."""
    for each in providers:
        Provider(each, SystemClock())


def unreachable(providers: Sequence[OidcProvider]) -> Iterator[str]:
    """Ask every provider for its configuration, and name those that do not give a proper one."""
    for each in providers:
        try:
            asyncio.run(Provider(each, SystemClock()).look())
        except HanseError as error:
            yield f"nobody can log in at {each.name} ({each.issuer}): {error.message}"


def ungiven(session: Session, providers: Sequence[OidcProvider]) -> Iterator[str]:
    """Name what groups should give but cannot."""
    for provider in providers:
        for group, grant in provider.groups.items():
            where = f"the group {group} of {provider.name}"
            key = session.scalar(select(Organization.id).where(Organization.name == grant.organization))
            if key is None:
                yield f"{where} is for {grant.organization}, which is no organization here; create it, or correct oidc"
            else:
                _, problems = giveable_roles(session, grant.roles, key)
                yield from (f"{where} does not give all its roles: {problem}; correct oidc" for problem in problems)
