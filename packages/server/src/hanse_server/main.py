"""Builds the server: its concerns (`wiring`) and its routes; and prepares the database for it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hanse_server import migrations, wiring
from hanse_server.accounts import routes as accounts_routes
from hanse_server.accounts.bootstrap import ensure_root, ensure_rules_and_roles
from hanse_server.accounts.passwords import Passwords
from hanse_server.accounts.seen import Moments
from hanse_server.collaborations import routes as collaborations_routes
from hanse_server.identity import (
    access_token_routes,
    invitation_routes,
    recovery_routes,
    second_factor_routes,
    session_routes,
)
from hanse_server.identity import routes as identity_routes
from hanse_server.identity.second_factor import end_weaker_logins
from hanse_server.live.server import PATH
from hanse_server.peers import routes as peers_routes
from hanse_server.settings import Settings
from hanse_server.settings.initial import initial_root_hash
from hanse_server.sso import routes as sso_routes
from hanse_server.stores import routes as stores_routes
from hanse_server.tasks import routes as tasks_routes
from hanse_server.tasks.places import require_writable
from hanse_web import health, robots
from hanse_web.access import Actor
from hanse_web.app import Parts, build
from hanse_web.clock import Clock, SystemClock
from hanse_web.db import IMMEDIATE, create_private, make_engine
from hanse_web.locks import claim
from hanse_web.mail import Mailer
from hanse_web.outbound import Outbound
from hanse_web.outbox import EventBus

ROUTERS = (
    health.router,
    identity_routes.router,
    session_routes.router,
    access_token_routes.router,
    sso_routes.router,
    recovery_routes.router,
    second_factor_routes.router,
    invitation_routes.router,
    *accounts_routes.routers,
    *collaborations_routes.routers,
    stores_routes.router,
    *tasks_routes.routers,
    peers_routes.router,
)


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    bus: EventBus | None = None,
    mailer: Mailer | None = None,
    outbound: Outbound | None = None,
) -> FastAPI:
    """Build the application on a prepared database (`prepare`); what is given replaces what the settings say."""
    ground = wiring.Ground.of(settings, clock or SystemClock(), bus)
    callers = wiring.Callers.of(ground)
    loaders = callers.loaders(settings, ground.clock)
    mail = wiring.Mail.of(ground, mailer)
    identity = wiring.Identity.of(ground, mail.letters)
    concerns: tuple[wiring.Concern, ...] = (
        callers,
        mail,
        wiring.Tasks.of(ground),
        identity,
        wiring.SignOn.of(ground, identity),
        wiring.Peers.of(ground, outbound),
        wiring.Sockets.of(ground, loaders, callers.last_used[0]),
    )
    parts = Parts(
        works=ground.works,
        engine=ground.engine,
        clock=ground.clock,
        tokens=ground.tokens,
        dispatcher=ground.dispatcher,
        actor_loaders=loaders,
        allowed_origins=settings.cors_allowed_origins,
        trusted_proxies=settings.trusted_proxies,
        seen=seen_by(*callers.last_used),
        jobs=[job for concern in concerns for job in concern.jobs],
        state={"settings": settings} | {name: one for concern in concerns for name, one in concern.state().items()},
    )
    app = build(settings.server_name, settings.api_path, parts, ROUTERS)
    app.include_router(robots.router)
    app.mount(PATH, ground.live.asgi())
    return app


def seen_by(*listeners: Moments[Any]) -> Callable[[Actor, datetime], None]:
    """Tell several of whom a request came from."""

    def note(actor: Actor, moment: datetime) -> None:
        for listener in listeners:
            listener.note(actor, moment)

    return note


def prepare(settings: Settings) -> str | None:
    """Bring the database to what this version needs; give root's password if one was invented."""
    passwords = Passwords(settings.password_workers)
    create_private(settings.uri)
    require_writable(settings)
    with _database(settings) as engine:
        migrations.require_startable(engine)
        migrations.upgrade(engine)
        with Session(engine.execution_options(**{IMMEDIATE: True})) as session, session.begin():
            claim(session, "prepare")
            ensure_rules_and_roles(session)
            if settings.two_factor_auth:
                end_weaker_logins(session, SystemClock().now())
            return ensure_root(
                session, passwords.hash_now, settings.root_password_text(), initial_root_hash(os.environ)
            )


def migrate(settings: Settings) -> tuple[str | None, str]:
    """Bring the tables of the database to this version; give the versions before and after."""
    with _database(settings) as engine:
        before = migrations.current(engine)
        migrations.upgrade(engine)
        migrations.repair(engine)
        return before, migrations.head()


def openapi_schema() -> dict[str, Any]:
    """Give the contract of the REST API."""
    settings = Settings(uri="sqlite://", jwt_secret_key=SecretStr("only to describe the routes, never to sign"))
    return create_app(settings).openapi()


@contextmanager
def _database(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings.uri)
    try:
        yield engine
    finally:
        engine.dispose()
