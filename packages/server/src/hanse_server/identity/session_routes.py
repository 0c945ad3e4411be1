"""Endpoints for one's own login sessions; v4 has none of these."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from hanse_core.errors import Invalid
from hanse_core.wire import accounts as wire
from hanse_server.identity.models import LoginSession
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.sessions import Sessions
from hanse_web.auth import LoggedIn
from hanse_web.db import wire_time
from hanse_web.work import RequestWork

router = APIRouter(tags=["identity"])


async def _sessions(request: Request, work: RequestWork) -> Sessions:
    pairs: TokenPairs = request.app.state.pairs
    return Sessions(work, pairs)


OwnSessions = Annotated[Sessions, Depends(_sessions)]


@router.post("/token/revoke")
def log_out(actor: LoggedIn, sessions: OwnSessions, body: wire.LogOut | None = None) -> dict[str, str]:
    """Log out: end the session that asks, or all of one's sessions; their tokens stop working at once."""
    if body is not None and body.all:
        sessions.revoke_all(actor.id)
        return {"msg": "all sessions are ended"}
    if actor.session_id is None:
        raise Invalid('this token belongs to no session; end all of them with {"all": true}')
    sessions.revoke(actor.session_id, actor.id)
    return {"msg": "the session is ended"}


@router.get("/session")
def list_sessions(actor: LoggedIn, sessions: OwnSessions) -> dict[str, list[wire.LoginSession]]:
    """List one's own sessions, the newest first."""
    return {"data": [_item(row, actor.session_id) for row in sessions.current(actor.id)]}


@router.delete("/session/{session_id}")
def end_session(actor: LoggedIn, sessions: OwnSessions, session_id: str) -> dict[str, str]:
    """End one of one's own sessions."""
    sessions.revoke(session_id, actor.id)
    return {"msg": f"session {session_id} is ended"}


def _item(row: LoginSession, current: str | None) -> wire.LoginSession:
    return wire.LoginSession(
        id=row.id,
        method=row.method,
        created_at=wire_time(row.created_at) or "",
        last_used_at=wire_time(row.last_used_at) or "",
        ends_at=wire_time(row.ends_at) or "",
        ip=row.ip,
        user_agent=row.user_agent,
        is_current=row.id == current,
    )
