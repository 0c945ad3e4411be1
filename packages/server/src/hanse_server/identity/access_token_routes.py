"""Endpoints for one's own personal access tokens; v4 has none of these."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from hanse_core.wire import accounts as wire
from hanse_server.identity.access_token_models import AccessToken
from hanse_server.identity.access_tokens import AccessTokens
from hanse_web.auth import LoggedIn
from hanse_web.db import wire_time
from hanse_web.query import Key
from hanse_web.work import RequestWork

router = APIRouter(tags=["identity"])


async def _tokens(request: Request, work: RequestWork, actor: LoggedIn) -> AccessTokens:
    state = request.app.state
    return AccessTokens(work, actor, state.token_seal, state.session_limits, state.factors)


OwnTokens = Annotated[AccessTokens, Depends(_tokens)]


@router.get("/accesstoken")
def list_access_tokens(tokens: OwnTokens) -> dict[str, list[wire.AccessToken]]:
    """List one's own access tokens, the newest first."""
    return {"data": [_item(row) for row in tokens.current()]}


@router.post("/accesstoken", status_code=201)
def create_access_token(tokens: OwnTokens, body: wire.AccessTokenCreate) -> wire.AccessToken:
    """Make an access token for a script; the answer is the only place where it is shown."""
    made, token = tokens.create(body)
    return _item(made).model_copy(update={"token": token})


@router.delete("/accesstoken/{key}")
def delete_access_token(tokens: OwnTokens, key: Key) -> dict[str, str]:
    """End one of one's own access tokens at once."""
    tokens.delete(key)
    return {"msg": f"access token {key} is deleted"}


def _item(row: AccessToken) -> wire.AccessToken:
    return wire.AccessToken(
        id=row.id,
        name=row.name,
        read_only=row.is_read_only,
        rules=row.rules,
        created_at=wire_time(row.created_at) or "",
        expires_at=wire_time(row.expires_at) or "",
        last_used_at=wire_time(row.last_used_at),
    )
