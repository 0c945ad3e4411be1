"""How the server is made of its parts, concern by concern; each is made of those before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Engine

from hanse_server.accounts.actors import user_loader
from hanse_server.accounts.passwords import Passwords
from hanse_server.accounts.seen import LastSeen
from hanse_server.collaborations.actors import node_actor
from hanse_server.collaborations.node_login import NodeLogins
from hanse_server.identity.access_tokens import personal_loader
from hanse_server.identity.invitations import Acceptances
from hanse_server.identity.last_used import LastUsed
from hanse_server.identity.notices import Notices
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.recovery import Recoveries
from hanse_server.identity.second_factor import SECOND_FACTOR, SecondFactors
from hanse_server.identity.service import Logins
from hanse_server.identity.sessions import Refreshes
from hanse_server.identity.signing import signing_secret
from hanse_server.letters.writing import Letters
from hanse_server.live.server import Live
from hanse_server.peers.eduvpn import EduVpn
from hanse_server.settings import Settings
from hanse_server.settings.sessions import SessionLimits
from hanse_server.sso.confirming import Confirming
from hanse_server.sso.lapses import Lapses
from hanse_server.sso.people import still_welcome
from hanse_server.sso.service import SingleSignOn
from hanse_server.stores.calls import StoreCalls, store_calls
from hanse_server.tasks.actors import container_loader
from hanse_server.tasks.erasure import end_runs_of
from hanse_server.tasks.expiry import Expiry
from hanse_server.tasks.intake import TaskIntake
from hanse_server.tasks.janitor import Janitor
from hanse_server.tasks.places import make_stores
from hanse_server.tasks.rules import TaskPolicy
from hanse_server.tasks.values import VALUES_RELEASED, Values
from hanse_server.tasks.watch import Watch
from hanse_web.access import ActorLoader
from hanse_web.app import Job
from hanse_web.aside import Aside
from hanse_web.auth import PERSONAL, Tokens
from hanse_web.clock import Clock
from hanse_web.db import make_engine
from hanse_web.known import Unrelated
from hanse_web.large_bodies import Intake
from hanse_web.links import Links
from hanse_web.mail import ConsoleMailer, Mailer, SmtpMailer
from hanse_web.mail_queue import MailQueue
from hanse_web.outbound import Outbound
from hanse_web.outbox import Dispatcher, EventBus
from hanse_web.sealing import Seal
from hanse_web.work import Works

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


@dataclass(frozen=True, slots=True)
class Ground:
    """What all concerns stand on."""

    settings: Settings
    clock: Clock
    secret: str
    tokens: Tokens
    engine: Engine
    live: Live
    dispatcher: Dispatcher
    works: Works
    pairs: TokenPairs

    @classmethod
    def of(cls, settings: Settings, clock: Clock, bus: EventBus | None) -> "Ground":
        secret = signing_secret(settings)
        tokens = Tokens(secret, clock)
        engine = make_engine(settings.uri)
        live = Live(engine, settings.cors_allowed_origins)
        dispatcher = Dispatcher(engine, live.bus(bus))
        links = Links(settings.api_path)
        works = Works(engine, clock, dispatcher, links, UNRELATED_TO_RIGHTS)
        pairs = TokenPairs(tokens, links, settings.access_life, settings.refresh_life, settings.sessions)
        return cls(settings, clock, secret, tokens, engine, live, dispatcher, works, pairs)


@dataclass(frozen=True, kw_only=True)
class Concern:
    """Handlers find each of its fields in `app.state`, under the same name."""

    jobs: Sequence[Job] = ()
    """What runs beside the requests; of this there is no such field."""

    def state(self) -> Mapping[str, object]:
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "jobs"}


@dataclass(frozen=True, kw_only=True)
class Callers(Concern):
    """Whom requests come from, and when."""

    token_seal: Seal
    last_used: tuple[LastSeen, LastUsed]

    @classmethod
    def of(cls, ground: Ground) -> "Callers":
        seen, used = LastSeen(ground.works), LastUsed(ground.works)
        seal = Seal(ground.secret, "personal access tokens")
        return cls(token_seal=seal, last_used=(seen, used), jobs=(seen.run, used.run))

    def loaders(self, settings: Settings, clock: Clock) -> Mapping[str, ActorLoader]:
        """Give what makes an actor of a token, by the kind of the token."""
        welcome, needs_second_factor = still_welcome(settings.oidc, clock), settings.two_factor_auth
        return {
            "user": user_loader(needs_second_factor=needs_second_factor),
            "node": node_actor,
            "container": container_loader(clock),
            PERSONAL: personal_loader(self.token_seal, clock, welcome, needs_second_factor=needs_second_factor),
        }


@dataclass(frozen=True, kw_only=True)
class Sockets(Concern):
    """Live events, and answers that are held until something happens."""

    live: Live
    watch: Watch

    @classmethod
    def of(cls, ground: Ground, loaders: Mapping[str, ActorLoader], seen: LastSeen) -> "Sockets":
        live = ground.live
        live.attach(ground.works, ground.tokens, loaders, seen.note)
        return cls(live=live, watch=live.watch, jobs=live.jobs)


@dataclass(frozen=True, kw_only=True)
class Mail(Concern):
    """What the server writes to people."""

    letters: Letters

    @classmethod
    def of(cls, ground: Ground, mailer: Mailer | None) -> "Mail":
        settings = ground.settings
        mails = MailQueue(ground.works, mailer or _mailer(settings), Seal(ground.secret, "queued mail"))
        return cls(letters=Letters(mails, settings.server_name, settings.support_email), jobs=(mails.run,))


def _mailer(settings: Settings) -> Mailer | None:
    if settings.mail_to_console:
        return ConsoleMailer()
    connection = settings.smtp.connection()
    return SmtpMailer(connection) if connection else None


@dataclass(frozen=True, kw_only=True)
class Identity(Concern):
    """Logging in, with a password or a key, and all that keeps an account its owner's."""

    pairs: TokenPairs
    passwords: Passwords
    aside: Aside
    notices: Notices
    factors: SecondFactors
    logins: Logins
    node_logins: NodeLogins
    recoveries: Recoveries
    acceptances: Acceptances
    session_limits: SessionLimits

    @classmethod
    def of(cls, ground: Ground, letters: Letters) -> "Identity":
        settings, works, pairs = ground.settings, ground.works, ground.pairs
        passwords, policy = Passwords(settings.password_workers), settings.password_policy
        aside = Aside(works)
        notices = Notices(letters, aside, policy)
        seal = Seal(ground.secret, SECOND_FACTOR)
        factors = SecondFactors(seal, settings.server_name, is_required=settings.two_factor_auth)
        logins = Logins(works, passwords, policy, pairs, factors, notices)
        return cls(
            pairs=pairs,
            passwords=passwords,
            aside=aside,
            notices=notices,
            factors=factors,
            logins=logins,
            node_logins=NodeLogins(works, pairs),
            recoveries=Recoveries(works, aside, letters, notices, passwords, logins, factors, settings),
            acceptances=Acceptances(works, passwords, settings),
            session_limits=settings.sessions,
            jobs=(aside.run,),
        )


@dataclass(frozen=True, kw_only=True)
class SignOn(Concern):
    """Logging in at other providers, whose word is needed again and again."""

    sso: SingleSignOn
    refreshes: Refreshes

    @classmethod
    def of(cls, ground: Ground, identity: Identity) -> "SignOn":
        works, pairs, providers = ground.works, ground.pairs, ground.settings.oidc
        factors, logins, notices = identity.factors, identity.logins, identity.notices
        sso = SingleSignOn(works, pairs, providers, ground.secret, ground.clock, factors, logins, notices)
        refreshes = Refreshes(works, pairs, factors, Confirming(works, sso).confirm)
        return cls(sso=sso, refreshes=refreshes, jobs=(Lapses(works, providers).run,))


@dataclass(frozen=True, kw_only=True)
class Tasks(Concern):
    """Tasks, and the large values that belong to them."""

    values: Values
    janitor: Janitor
    expiry: Expiry
    intake: Callable[..., Intake]
    task_policy: TaskPolicy

    @classmethod
    def of(cls, ground: Ground) -> "Tasks":
        settings, works = ground.settings, ground.works
        values = Values(works, make_stores(settings), settings.values)
        janitor = Janitor(values, ground.engine)
        ground.live.bells[VALUES_RELEASED] = janitor.ring
        works.erasing.append(end_runs_of)
        days, includes_inputs = settings.runs_data_cleanup_days, settings.runs_data_cleanup_include_input
        expiry = Expiry(works, days, includes_inputs=includes_inputs)
        return cls(
            values=values,
            janitor=janitor,
            expiry=expiry,
            intake=lambda request: TaskIntake(request, values),
            task_policy=TaskPolicy(settings.max_open_subtasks, settings.algorithm_stores.require_approved_images),
            jobs=(janitor.run, expiry.run),
        )


@dataclass(frozen=True, kw_only=True)
class Peers(Concern):
    """Other servers that this one asks."""

    store_calls: StoreCalls
    vpn: EduVpn | None

    @classmethod
    def of(cls, ground: Ground, outbound: Outbound | None) -> "Peers":
        settings = ground.settings
        calls = store_calls(settings, ground.pairs.for_store, outbound)
        return cls(store_calls=calls, vpn=EduVpn(settings.vpn_server) if settings.vpn_server else None)
