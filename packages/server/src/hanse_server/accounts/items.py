"""From rows to what is sent."""

from collections.abc import Iterable
from typing import Any

from hanse_core.permissions import Operation, Scope
from hanse_core.wire import accounts as wire
from hanse_server.accounts.models import Organization, Role, Rule, User
from hanse_web.db import wire_time
from hanse_web.links import Links


def organization_items(links: Links, rows: Iterable[Organization]) -> list[wire.Organization]:
    """Write organizations."""
    return [wire.Organization(**item) for item in plain_organizations(links, rows)]


def plain_organizations(links: Links, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Write organizations in the form of `wire.Organization`."""
    return [
        {
            "id": row.id,
            "name": row.name,
            "domain": row.domain,
            "address1": row.address1,
            "address2": row.address2,
            "zipcode": row.zipcode,
            "country": row.country,
            "public_key": row.public_key,
            "two_factor_required": row.two_factor_required,
            "collaborations": links.many("collaboration", organization_id=row.id),
            "nodes": links.many("node", organization_id=row.id),
            "users": links.many("user", organization_id=row.id),
            "tasks": links.many("task", init_org_id=row.id),
            "runs": links.many("run", organization_id=row.id),
            "studies": links.many("study", organization_id=row.id),
        }
        for row in rows
    ]


def user_items(links: Links, rows: Iterable[User]) -> list[wire.User]:
    """Write users; never their password or the secret of their second factor."""
    return [
        wire.User(
            id=row.id,
            username=row.username,
            firstname=row.firstname,
            lastname=row.lastname,
            email=row.email,
            status=row.status,
            ip=row.ip,
            last_seen=wire_time(row.last_seen),
            last_email_failed_login_sent=wire_time(row.last_email_failed_login_sent),
            last_email_recover_password_sent=wire_time(row.last_email_recover_password_sent),
            organization=links.one("organization", row.organization_id),
            roles=links.many("role", user_id=row.id),
            rules=links.many("rule", user_id=row.id),
        )
        for row in rows
    ]


def role_items(links: Links, rows: Iterable[Role]) -> list[wire.Role]:
    """Write roles."""
    return [
        wire.Role(
            id=row.id,
            name=row.name,
            description=row.description,
            is_default_role=row.is_default_role,
            organization=links.maybe("organization", row.organization_id),
            rules=links.many("rule", role_id=row.id),
            users=links.many("user", role_id=row.id),
        )
        for row in rows
    ]


def rule_items(links: Links, rows: Iterable[Rule]) -> list[wire.Rule]:
    """Write rules, with the upper-case names of the wire."""
    return [
        wire.Rule(
            id=row.id,
            name=row.name,
            scope=Scope(row.scope).name,
            operation=Operation(row.operation).name,
            description=row.description,
            users=links.many("user", rule_id=row.id),
        )
        for row in rows
    ]
