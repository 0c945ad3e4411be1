"""Organizations and users."""

import base64
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from hanse_server.accounts.models import Identity, Organization, User, V4Secret
from hanse_server.transfer import v4
from hanse_server.transfer.carrying import NO_ADDRESS, Import, is_bcrypt, table
from hanse_server.transfer.rows import Row, copy


def organizations(work: Import) -> None:
    """Carry the organizations, with their public keys byte by byte."""

    def convert(row: Row) -> Mapping[str, Any]:
        key = row._mapping[v4.organization.c._public_key]
        return {
            "id": row.id,
            "name": row.name or f"organization {row.id}",
            "domain": row.domain or "",
            "address1": row.address1 or "",
            "address2": row.address2,
            "zipcode": row.zipcode or "",
            "country": row.country or "",
            "public_key": base64.b64encode(key).decode() if key else "",
        }

    statement = select(v4.organization).order_by(v4.organization.c.id)
    work.report.count("organizations", copy(work.source, statement, work.target, table(Organization), convert))


def users(work: Import) -> None:
    """Carry the users with what they log in with."""
    identities = select(v4.identity).join(v4.user, v4.user.c.id == v4.identity.c.id)
    identities = identities.join(v4.organization, v4.organization.c.id == v4.user.c.organization_id)
    copy(work.source, identities.order_by(v4.identity.c.id), work.target, table(Identity), _identity)
    placed = select(v4.user).join(v4.identity, v4.identity.c.id == v4.user.c.id)
    placed = placed.join(v4.organization, v4.organization.c.id == v4.user.c.organization_id).order_by(v4.user.c.id)
    work.report.count("users", copy(work.source, placed, work.target, table(User), lambda row: _user(work, row)))
    if work.keeps_way_back:
        copy(work.source, placed, work.target, table(V4Secret), lambda row: _secret(row.id, row.password))
    _tell(work)


def _identity(row: Row) -> Mapping[str, Any]:
    return {"id": row.id, "type": "user", "ip": row.ip, "status": row.status, "last_seen": row.last_seen}


def _user(work: Import, row: Row) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "last_email_failed_login_sent": row.last_email_failed_login_sent,
        "last_email_recover_password_sent": row.last_email_recover_password_sent,
        "username": row.username or f"user-{row.id}",
        "email": row.email or f"user-{row.id}{NO_ADDRESS}",
        # Anything else is no password of v4, and could be made to cost whoever checks it much time.
        "password": row.password if is_bcrypt(row.password) else "",
        "firstname": row.firstname or "",
        "lastname": row.lastname or "",
        "organization_id": row.organization_id,
        "failed_login_attempts": row.failed_login_attempts or 0,
        "last_login_attempt": row.last_login_attempt,
        "otp_secret": work.seal.seal(row.otp_secret, str(row.id)) if row.otp_secret else None,
        # Zero: in force, no code used yet.
        "otp_last_step": 0 if row.otp_secret else None,
    }


def _secret(identity_id: int, hashed: str | None) -> Mapping[str, Any] | None:
    return {"identity_id": identity_id, "hash": hashed} if is_bcrypt(hashed) else None


def _tell(work: Import) -> None:
    source, of = work.source, v4.user.c
    places = select(v4.organization.c.id)
    lost = select(of.username).where(of.organization_id.is_(None) | of.organization_id.not_in(places))
    work.report.note(
        "these users belong to no organization any more and were left out; add them anew if they are needed",
        source.execute(lost.order_by(of.id)).scalars().all(),
    )
    silent = select(of.username).where(of.email.is_(None) | (of.email == ""), of.organization_id.in_(places))
    work.report.note(
        "these users have no e-mail address and cannot reset a password by mail until they get one",
        source.execute(silent.order_by(of.id)).scalars().all(),
    )
    factors = source.execute(select(of.username).where(of.otp_secret != "").order_by(of.id)).scalars().all()
    work.report.note(
        "these users log in with a second factor, also if the v4 server had `two_factor_auth` switched off of late; "
        "`hanse server user reset-2fa` helps who lost it",
        factors,
    )
