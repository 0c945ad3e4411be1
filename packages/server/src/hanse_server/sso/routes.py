"""Endpoints for logging in at OpenID Connect providers; v4 has none of these."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from hanse_core.errors import Invalid, Unauthenticated
from hanse_core.wire import sso as wire
from hanse_core.wire.accounts import UserTokens
from hanse_core.wire.base import Item
from hanse_server.identity.service import Account, Logins
from hanse_server.sso.linking import Links
from hanse_server.sso.models import ExternalIdentity
from hanse_server.sso.people import Refusal
from hanse_server.sso.service import SingleSignOn
from hanse_web.access import UserActor
from hanse_web.auth import DetachedLoggedIn, LoggedIn
from hanse_web.db import wire_time
from hanse_web.origin import Origin, RequestOrigin
from hanse_web.query import Key
from hanse_web.work import AllWorks, RequestWork, Work

router = APIRouter(tags=["single sign-on"])


Linking = Callable[[Work, UserActor], Links]


async def _sso(request: Request) -> SingleSignOn:
    sso: SingleSignOn = request.app.state.sso
    return sso


async def _logins(request: Request) -> Logins:
    logins: Logins = request.app.state.logins
    return logins


async def _linking(request: Request) -> Linking:
    sso, notices = request.app.state.sso, request.app.state.notices
    return lambda work, actor: Links(work, actor, sso.providers, notices)


Sso = Annotated[SingleSignOn, Depends(_sso)]
AnyLinking = Annotated[Linking, Depends(_linking)]


@router.get("/oidc")
async def list_providers(sso: Sso) -> dict[str, list[wire.OidcProvider]]:
    """List the providers through which people may log in."""
    settings = [each.settings for each in sso.providers.values()]
    return {"data": [wire.OidcProvider(name=each.name, label=each.title) for each in settings]}


@router.post("/oidc/{name}/start")
async def start(name: str, body: wire.OidcStart, sso: Sso) -> wire.OidcStarted:
    """Begin to log in: where the browser goes, and the ticket that is needed to finish and never leaves who began."""
    return await sso.start(name, body.redirect_uri)


NO_TOKENS: dict[int | str, dict[str, Any]] = {
    202: {"model": wire.OidcSecondFactor, "description": "A second factor is required."}
}


@router.post("/oidc/{name}/finish", responses=NO_TOKENS)
async def finish(
    name: str, body: wire.OidcFinish, sso: Sso, origin: RequestOrigin, response: Response
) -> UserTokens | wire.OidcSecondFactor:
    """Log in with what the provider sent back to the browser; 202 where a second factor is required on top."""
    return _answered(await sso.finish(name, body, origin), response)


@router.post("/oidc/{name}/second_factor")
async def finish_second_factor(
    name: str, body: wire.OidcSecondFactorFinish, sso: Sso, origin: RequestOrigin, response: Response
) -> UserTokens:
    """Log in with the code of a second factor, after a login through a provider that was answered 202."""
    return _answered(await sso.second_step.finish(sso.provider(name).settings, body, origin), response)


Tokens = TypeVar("Tokens", bound=Item)


def _answered(found: Tokens, response: Response) -> Tokens:
    if isinstance(found, UserTokens):
        response.headers["jwt-token"] = found.access_token
    else:
        response.status_code = 202
    return found


@router.post("/oidc/{name}/device")
async def start_device(name: str, sso: Sso, origin: RequestOrigin) -> wire.OidcDeviceStarted:
    """Begin to log in through a browser elsewhere."""
    return await sso.start_device(name, origin)


NOT_YET: dict[int | str, dict[str, Any]] = {
    202: {
        "model": wire.OidcWaiting | wire.OidcSecondFactor,
        "description": "Not yet, or a second factor is required.",
    }
}


@router.post("/oidc/{name}/device/finish", responses=NOT_YET)
async def finish_device(
    name: str, body: wire.OidcDeviceFinish, sso: Sso, origin: RequestOrigin, response: Response
) -> UserTokens | wire.OidcSecondFactor | wire.OidcWaiting:
    """Log in if the person has finished elsewhere; 202 until then, and where a second factor is required on top."""
    return _answered(await sso.finish_device(name, body.ticket, origin), response)


@router.post("/oidc/{name}/link")
async def start_link(
    name: str,
    body: wire.OidcLinkStart,
    actor: DetachedLoggedIn,
    sso: Sso,
    linking: AnyLinking,
    works: AllWorks,
    logins: Annotated[Logins, Depends(_logins)],
    origin: RequestOrigin,
) -> wire.OidcStarted:
    """Begin to prove whom a provider knows as oneself, in order to log in through it from then on."""
    sso.provider(name)
    async with works.open(write=False) as work:
        links = linking(work, actor)
        has_password = await to_thread.run_sync(links.has_password)
        if not has_password:
            await to_thread.run_sync(links.require_recent_login)
    if has_password:
        account = await _checked(logins, actor, body.current_password, origin)
        async with works.open(write=False) as work:
            await to_thread.run_sync(logins.require_unblocked, work, account, origin)
    return await sso.start(name, body.redirect_uri, link_to=actor.id)


async def _checked(logins: Logins, actor: UserActor, password: str | None, origin: Origin) -> Account:
    if password is None:
        text = "is needed to add a way to log in"
        raise Invalid(f"your password {text}", errors={"current_password": [text]})
    return await logins.check(actor.name, password, origin)


@router.post("/oidc/{name}/link/finish", status_code=201)
async def finish_link(
    name: str, body: wire.OidcFinish, actor: DetachedLoggedIn, sso: Sso, linking: AnyLinking, works: AllWorks
) -> wire.ExternalIdentity:
    """Link the person that the provider says one is to one's account."""
    proof = await sso.prove(name, body, actor.id)
    provider = sso.provider(name)

    def linked(work: Work) -> wire.ExternalIdentity | Refusal:
        links = linking(work, actor)
        made = links.link(provider, proof)
        return made if isinstance(made, Refusal) else _item(made, links)

    async with works.open(write=True) as work:
        outcome = await to_thread.run_sync(linked, work)
    if isinstance(outcome, Refusal):
        raise Unauthenticated(outcome.reason)
    return outcome


@router.get("/user/{key}/identity")
def list_identities(
    work: RequestWork, actor: LoggedIn, key: Key, linking: AnyLinking
) -> dict[str, list[wire.ExternalIdentity]]:
    """List whom providers know as a user."""
    links = linking(work, actor)
    return {"data": [_item(each, links) for each in links.list(key)]}


@router.post("/user/{key}/identity", status_code=201)
def register_identity(
    work: RequestWork, actor: LoggedIn, key: Key, body: wire.ExternalIdentityCreate, linking: AnyLinking
) -> wire.ExternalIdentity:
    """Say beforehand who of a provider may log in as another user."""
    links = linking(work, actor)
    return _item(links.register(key, body.provider, body.subject), links)


@router.delete("/user/{key}/identity/{identity_key}")
def remove_identity(
    work: RequestWork, actor: LoggedIn, key: Key, identity_key: Key, linking: AnyLinking
) -> dict[str, str]:
    """Forget whom a provider knows as a user."""
    linking(work, actor).remove(key, identity_key)
    return {"msg": f"identity {identity_key} of user {key} was removed"}


def _item(row: ExternalIdentity, links: Links) -> wire.ExternalIdentity:
    return wire.ExternalIdentity(
        id=row.id,
        provider=links.name_of(row.issuer),
        issuer=row.issuer,
        subject=row.subject,
        created_at=wire_time(row.created_at) or "",
        confirmed_at=wire_time(row.confirmed_at),
    )
