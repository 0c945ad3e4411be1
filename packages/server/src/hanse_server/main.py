"""Builds the server from its parts; the only place that knows all of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hanse_server import migrations
from hanse_server.accounts import routes as accounts_routes
from hanse_server.accounts.actors import user_actor
from hanse_server.accounts.bootstrap import ensure_root, ensure_rules_and_roles
from hanse_server.accounts.passwords import Passwords
from hanse_server.accounts.seen import LastSeen, Moments
from hanse_server.collaborations import routes as collaborations_routes
from hanse_server.collaborations.actors import node_actor
from hanse_server.collaborations.node_login import NodeLogins
from hanse_server.identity import (
    access_token_routes,
    invitation_routes,
    recovery_routes,
    second_factor_routes,
    session_routes,
)
from hanse_server.identity import routes as identity_routes
from hanse_server.identity.access_tokens import personal_loader
from hanse_server.identity.invitations import Acceptances
from hanse_server.identity.last_used import LastUsed
from hanse_server.identity.notices import Notices
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.recovery import Recoveries
from hanse_server.identity.second_factor import SECOND_FACTOR, SecondFactors, end_weaker_logins
from hanse_server.identity.service import Logins
from hanse_server.identity.sessions import Refreshes
from hanse_server.identity.signing import signing_secret
from hanse_server.letters.writing import Letters
from hanse_server.live.server import PATH, Live
from hanse_server.peers import routes as peers_routes
from hanse_server.peers.eduvpn import EduVpn
from hanse_server.settings import Settings
from hanse_server.settings.initial import initial_root_hash
from hanse_server.sso import routes as sso_routes
from hanse_server.sso.confirming import Confirming
from hanse_server.sso.lapses import Lapses
from hanse_server.sso.people import still_welcome
from hanse_server.sso.service import SingleSignOn
from hanse_server.stores import routes as stores_routes
from hanse_server.stores.calls import store_calls
from hanse_server.tasks import routes as tasks_routes
from hanse_server.tasks.actors import container_loader
from hanse_server.tasks.erasure import end_runs_of
from hanse_server.tasks.expiry import Expiry
from hanse_server.tasks.intake import TaskIntake
from hanse_server.tasks.janitor import Janitor
from hanse_server.tasks.places import make_stores, require_writable
from hanse_server.tasks.rules import TaskPolicy
from hanse_server.tasks.values import VALUES_RELEASED, Values
from hanse_web import health, robots
from hanse_web.access import Actor, ActorLoader
from hanse_web.app import Parts, build
from hanse_web.aside import Aside
from hanse_web.auth import PERSONAL, Tokens
from hanse_web.clock import Clock, SystemClock
from hanse_web.db import IMMEDIATE, create_private, make_engine
from hanse_web.known import Unrelated
from hanse_web.links import Links
from hanse_web.locks import claim
from hanse_web.mail import ConsoleMailer, Mailer, SmtpMailer
from hanse_web.mail_queue import MailQueue
from hanse_web.outbound import Outbound
from hanse_web.outbox import Dispatcher, EventBus
from hanse_web.sealing import Seal
from hanse_web.work import Works

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

UNRELATED_TO_RIGHTS = Unrelated(
    tables={
        "blob",
        "job",
        "known_network",
        "login_failures",
        "node_setting",
        "outbox_event",
        "queued_mail",
        "recovery_code",
        "recovery_token",
        "run",
        "run_port",
        "task",
        "task_database",
    },
    inserts={"access_token", "login_session"},
    deletes={"login_session"},  # of sessions that have ended anyway; ending one is an update
    columns={
        "access_token": {"last_used_at"},
        "identity": {"ip", "last_seen", "status"},
        "login_session": {"external", "generation", "has_second_factor", "last_used_at", "rotated_at"},
        "user_account": {
            "failed_login_attempts",
            "last_email_failed_login_sent",
            "last_email_recover_password_sent",
            "last_email_second_factor_sent",
            "last_login_attempt",
            "otp_last_step",
        },
    },
)
"""Written often, and without changing what anybody may do; any other write makes the server look rights up again."""


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    bus: EventBus | None = None,
    mailer: Mailer | None = None,
    outbound: Outbound | None = None,
) -> FastAPI:
    """Build the application on a prepared database (`prepare`); what is given replaces what the settings say."""
    clock = clock or SystemClock()
    secret = signing_secret(settings)
    tokens = Tokens(secret, clock)
    engine = make_engine(settings.uri)
    live = Live(engine, settings.cors_allowed_origins)
    dispatcher = Dispatcher(engine, live.bus(bus))
    links = Links(settings.api_path)
    works = Works(engine, clock, dispatcher, links, UNRELATED_TO_RIGHTS)
    seen, used = LastSeen(works), LastUsed(works)
    seal = Seal(secret, "personal access tokens")
    loaders: dict[str, ActorLoader] = {
        "user": user_actor,
        "node": node_actor,
        "container": container_loader(clock),
        PERSONAL: personal_loader(
            seal, clock, still_welcome(settings.oidc, clock), needs_second_factor=settings.two_factor_auth
        ),
    }
    live.attach(works, tokens, loaders, seen.note)
    values = Values(works, make_stores(settings), settings.values)
    janitor = Janitor(values, engine)
    live.bells[VALUES_RELEASED] = janitor.ring
    works.erasing.append(end_runs_of)
    expiry = Expiry(works, settings.runs_data_cleanup_days, includes_inputs=settings.runs_data_cleanup_include_input)
    mails = MailQueue(works, mailer or _mailer(settings), Seal(secret, "queued mail"))
    letters = Letters(mails, settings.server_name, settings.support_email)
    pairs = TokenPairs(tokens, links, settings.access_life, settings.refresh_life, settings.sessions)
    passwords = Passwords(settings.password_workers)
    aside = Aside(works)
    notices = Notices(letters, aside, settings.password_policy)
    factors = SecondFactors(Seal(secret, SECOND_FACTOR), settings.server_name, is_required=settings.two_factor_auth)
    logins = Logins(works, passwords, settings.password_policy, pairs, factors, notices)
    recoveries = Recoveries(works, aside, letters, notices, passwords, logins, factors, settings)
    sso = SingleSignOn(works, pairs, settings.oidc, secret, clock, factors, logins, notices)
    parts = Parts(
        works=works,
        engine=engine,
        clock=clock,
        tokens=tokens,
        dispatcher=dispatcher,
        actor_loaders=loaders,
        allowed_origins=settings.cors_allowed_origins,
        trusted_proxies=settings.trusted_proxies,
        seen=seen_by(seen, used),
        jobs=(
            seen.run,
            used.run,
            mails.run,
            janitor.run,
            expiry.run,
            aside.run,
            Lapses(works, settings.oidc).run,
            *live.jobs,
        ),
        state={
            "passwords": passwords,
            "pairs": pairs,
            "logins": logins,
            "node_logins": NodeLogins(works, pairs),
            "token_seal": seal,
            "last_used": (seen, used),
            "session_limits": settings.sessions,
            "refreshes": Refreshes(works, pairs, factors, Confirming(works, sso).confirm),
            "sso": sso,
            "letters": letters,
            "aside": aside,
            "notices": notices,
            "factors": factors,
            "recoveries": recoveries,
            "acceptances": Acceptances(works, passwords, settings),
            "settings": settings,
            "live": live,
            "watch": live.watch,
            "store_calls": store_calls(settings, pairs.for_store, outbound),
            "task_policy": TaskPolicy(settings.max_open_subtasks, settings.algorithm_stores.require_approved_images),
            "vpn": EduVpn(settings.vpn_server) if settings.vpn_server else None,
            "values": values,
            "janitor": janitor,
            "expiry": expiry,
            "intake": lambda request: TaskIntake(request, values),
        },
    )
    app = build(settings.server_name, settings.api_path, parts, ROUTERS)
    app.include_router(robots.router)
    app.mount(PATH, live.asgi())
    return app


def seen_by(*listeners: Moments[Any]) -> Callable[[Actor, datetime], None]:
    """Tell several of whom a request came from."""

    def note(actor: Actor, moment: datetime) -> None:
        for listener in listeners:
            listener.note(actor, moment)

    return note


def _mailer(settings: Settings) -> Mailer | None:
    if settings.mail_to_console:
        return ConsoleMailer()
    connection = settings.smtp.connection()
    return SmtpMailer(connection) if connection else None


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
