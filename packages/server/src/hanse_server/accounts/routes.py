"""Endpoints for organizations, users, roles and rules."""

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from hanse_core.wire import accounts as wire
from hanse_core.wire.base import Message, Page
from hanse_server.accounts.items import organization_items, plain_organizations, role_items, rule_items, user_items
from hanse_server.accounts.organizations import Organizations
from hanse_server.accounts.password_rules import PasswordRules
from hanse_server.accounts.passwords import Passwords
from hanse_server.accounts.roles import Roles, Rules
from hanse_server.accounts.users import Users
from hanse_web.alike import values_of
from hanse_web.auth import AnyActor, AnyUser, DetachedUser, UserOrNode
from hanse_web.listing import Listing, item, page
from hanse_web.query import Key, Query, documented, parameter
from hanse_web.work import AllWorks, RequestWork

organizations = APIRouter(tags=["organizations"])
users = APIRouter(tags=["users"])
roles = APIRouter(tags=["roles"])
routers = (organizations, users, roles)

DEPENDENTS = {"parameters": [parameter("delete_dependents", "boolean")]}


async def _passwords(request: Request) -> Passwords:
    passwords: Passwords = request.app.state.passwords
    return passwords


@organizations.get(
    "/organization",
    response_model=Page[wire.Organization],
    openapi_extra=documented(text="name country", integers="ids collaboration_id study_id"),
)
def list_organizations(work: RequestWork, actor: AnyActor, query: Query) -> Response:
    """List organizations."""
    listing = Organizations(work, actor).list(query)
    build = partial(plain_organizations, work.links)
    return page(work.connection, listing, query, build, values=values_of(actor))


@organizations.post("/organization", status_code=201)
def create_organization(work: RequestWork, actor: AnyUser, body: wire.OrganizationCreate) -> wire.Organization:
    """Add an organization."""
    return organization_items(work.links, [Organizations(work, actor).create(body)])[0]


@organizations.get("/organization/{key}", response_model=wire.Organization)
def get_organization(work: RequestWork, actor: AnyActor, key: Key) -> Response:
    """Give an organization."""
    return item(plain_organizations(work.links, [Organizations(work, actor).look_up(key)])[0])


@organizations.patch("/organization/{key}")
def change_organization(
    work: RequestWork, actor: UserOrNode, key: Key, body: wire.OrganizationPatch
) -> wire.Organization:
    """Change an organization; its public key only as a member."""
    return organization_items(work.links, [Organizations(work, actor).update(key, body)])[0]


@organizations.delete("/organization/{key}", openapi_extra=DEPENDENTS)
def delete_organization(work: RequestWork, actor: AnyUser, key: Key, query: Query) -> Message:
    """Remove an organization."""
    Organizations(work, actor).delete(key, with_dependents=query.flag("delete_dependents"))
    return Message(msg=f"organization {key} was removed")


@users.get(
    "/user",
    response_model=Page[wire.User],
    openapi_extra=documented(
        text="username firstname lastname email",
        integers="organization_id collaboration_id role_id rule_id",
        moments="last_seen_from last_seen_till",
    ),
)
def list_users(work: RequestWork, actor: AnyUser, query: Query) -> Response:
    """List users."""
    statement = Users(work, actor).list(query)
    return page(work.session, Listing(statement), query, lambda rows: user_items(work.links, (row[0] for row in rows)))


@users.post("/user", status_code=201)
async def create_user(
    request: Request,
    works: AllWorks,
    actor: DetachedUser,
    body: wire.UserCreate,
    passwords: Annotated[Passwords, Depends(_passwords)],
) -> wire.User:
    """Add a user. The password is hashed between two transactions, and only for who may add a user."""
    async with works.open(write=False) as work:
        await to_thread.run_sync(Users(work, actor).require_creatable, body)
    PasswordRules(request.app.state.settings.password_policy).require_acceptable(body.password, body.username)
    hashed = await passwords.hash(body.password)
    async with works.open(write=True) as work:
        user = await to_thread.run_sync(Users(work, actor).create, body, hashed)
    return user_items(works.links, [user])[0]


@users.get("/user/me")
def get_oneself(work: RequestWork, actor: AnyUser) -> wire.User:
    """Give the user who asks, whichever kind of token says so."""
    return user_items(work.links, [Users(work, actor).get(actor.id)])[0]


@users.get("/user/{key}", openapi_extra={"parameters": [parameter("include_permissions", "boolean")]})
def get_user(work: RequestWork, actor: AnyUser, key: Key, query: Query) -> wire.UserWithPermissions | wire.User:
    """Give a user, with what it may do where `include_permissions` is set."""
    service = Users(work, actor)
    user = service.get(key)
    item = user_items(work.links, [user])[0]
    if query.flag("include_permissions"):
        return wire.UserWithPermissions(**item.model_dump(), permissions=service.permissions(user))
    return item


@users.patch("/user/{key}")
def change_user(request: Request, work: RequestWork, actor: AnyUser, key: Key, body: wire.UserPatch) -> wire.User:
    """Change a user; of a new e-mail address the former one is told."""
    return user_items(work.links, [Users(work, actor, request.app.state.letters).update(key, body)])[0]


@users.delete("/user/{key}", openapi_extra=DEPENDENTS)
def delete_user(work: RequestWork, actor: AnyUser, key: Key, query: Query) -> Message:
    """Remove a user."""
    Users(work, actor).delete(key, with_dependents=query.flag("delete_dependents"))
    return Message(msg=f"user {key} was removed")


@roles.get(
    "/role",
    response_model=Page[wire.Role],
    openapi_extra=documented(
        text="name description", integers="organization_id collaboration_id rule_id user_id", flags="include_root"
    ),
)
def list_roles(work: RequestWork, actor: AnyUser, query: Query) -> Response:
    """List roles."""
    statement = Roles(work, actor).list(query)
    return page(work.session, Listing(statement), query, lambda rows: role_items(work.links, (row[0] for row in rows)))


@roles.post("/role", status_code=201)
def create_role(work: RequestWork, actor: AnyUser, body: wire.RoleCreate) -> wire.Role:
    """Add a role."""
    return role_items(work.links, [Roles(work, actor).create(body)])[0]


@roles.get("/role/{key}")
def get_role(work: RequestWork, actor: AnyUser, key: Key) -> wire.Role:
    """Give a role."""
    return role_items(work.links, [Roles(work, actor).get(key)])[0]


@roles.patch("/role/{key}")
def change_role(work: RequestWork, actor: AnyUser, key: Key, body: wire.RolePatch) -> wire.Role:
    """Change a role."""
    return role_items(work.links, [Roles(work, actor).update(key, body)])[0]


@roles.delete("/role/{key}", openapi_extra=DEPENDENTS)
def delete_role(work: RequestWork, actor: AnyUser, key: Key, query: Query) -> Message:
    """Remove a role."""
    Roles(work, actor).delete(key, with_dependents=query.flag("delete_dependents"))
    return Message(msg=f"role {key} was removed")


@roles.post("/role/{key}/rule/{rule_id}", status_code=201)
def add_rule(work: RequestWork, actor: AnyUser, key: Key, rule_id: Key) -> list[wire.Rule]:
    """Put a rule into a role."""
    return rule_items(work.links, Roles(work, actor).add_rule(key, rule_id))


@roles.delete("/role/{key}/rule/{rule_id}")
def remove_rule(work: RequestWork, actor: AnyUser, key: Key, rule_id: Key) -> list[wire.Rule]:
    """Take a rule out of a role."""
    return rule_items(work.links, Roles(work, actor).remove_rule(key, rule_id))


@roles.get(
    "/rule",
    response_model=Page[wire.Rule],
    openapi_extra=documented(text="name scope operation", integers="role_id user_id no_pagination"),
)
def list_rules(work: RequestWork, actor: AnyUser, query: Query) -> Response:
    """List rules."""
    statement = Rules(work, actor).list(query)
    whole = query.text("no_pagination") == "1"
    return page(
        work.session,
        Listing(statement),
        query,
        lambda rows: rule_items(work.links, (row[0] for row in rows)),
        whole=whole,
    )


@roles.get("/rule/{key}")
def get_rule(work: RequestWork, actor: AnyUser, key: Key) -> wire.Rule:
    """Give a rule."""
    return rule_items(work.links, [Rules(work, actor).get(key)])[0]
