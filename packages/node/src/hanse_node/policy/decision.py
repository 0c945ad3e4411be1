"""May this run start here, and on which terms? Decided from the policy and the facts given, without asking anybody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

from hanse_node.policy.calls import Call
from hanse_node.policy.model import Effect, ImageTerms, Policies, Profile, ResultLimits, Rule
from hanse_node.policy.references import canonical, covers, digest_of, is_basics, is_spelt_well, listed, to_look_up

UNKNOWN_CALL = Call()
CANNOT_ASK = "this node cannot ask anybody yet, so it refuses for now"


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """What was learnt of the store that a task names, asked by this node itself."""

    confirmed: bool
    reason: str
    """Why (not), for the requester."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, by whom, on which data. What is not known matches no rule that allows and each that denies."""

    image: str
    init_user: int | None = None
    init_org: int | None = None
    init_org_name: str | None = None
    databases: tuple[str, ...] = ()
    call: Call = UNKNOWN_CALL
    digests: Mapping[str, str] = field(default_factory=dict)
    """What tags stand for, as far as it was looked up."""
    store: StoreAnswer | None = None
    """None when the task names no store, or it was not asked."""


class Outcome(str, Enum):
    """What is decided about a start."""

    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"
    """A person at the station decides."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms an image runs here, and what may leave of it."""

    profile: Profile | None = None
    """None: as the settings of the engine say, which is `strict` unless they say otherwise."""
    writable_databases: frozenset[str] = frozenset()
    """Of these it gets a copy that it may change, and that is thrown away."""
    capabilities: frozenset[str] = frozenset()
    egress: tuple[str, ...] = ()
    """Names of the ways out that it may use."""
    stock_egress: bool = False
    """It may also use what a stock file opens to every algorithm."""
    share_logs: bool | None = None
    """None: as the station's setting says."""
    results: tuple[ResultLimits, ...] = ()
    """All of them count."""

    @property
    def max_bytes(self) -> int | None:
        """The smallest limit on results."""
        return min((limits.max_bytes for limits in self.results if limits.max_bytes is not None), default=None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and why, in words that go to the requester and into the journal."""

    outcome: Outcome
    rule: str
    """The rule that decided: its name, or the setting."""
    reason: str
    asks_before_release: bool = False
    digest: str | None = None
    """What the image's tag stood for when this was decided, where that was looked up: nothing else may start."""

    @property
    def allowed(self) -> bool:
        """Tell whether it may start by itself, and its result leave by itself."""
        return self.outcome is Outcome.ALLOW and not self.asks_before_release

    def __str__(self) -> str:
        return f"{self.reason} (rule: {self.rule})"


def allowed(rule: str, reason: str) -> Verdict:
    return Verdict(Outcome.ALLOW, rule, reason)


def denied(rule: str, reason: str) -> Verdict:
    return Verdict(Outcome.DENY, rule, reason)


@dataclass(frozen=True, slots=True)
class Needs:
    """Facts that the policy wants to know about a request and that must be looked up."""

    call: bool = False
    """What the input asks for."""
    organization_name: bool = False
    store: bool = False
    digests: tuple[str, ...] = ()


def needs(policy: Policies | None, request: Request) -> Needs:
    """Say what must be looked up before `decide` knows all it needs: nothing where that would change nothing."""
    if policy is None or policy.allows_nothing or not is_spelt_well(request.image):
        return Needs()
    names = [*policy.allowed_organizations, *(name for rule in policy.rules for name in rule.organizations or ())]
    entries = [*(policy.allowed_algorithms or ()), *(entry for rule in policy.rules for entry in rule.images or ())]
    on_list = _on_list(policy, request)
    store = policy.allowed_algorithm_stores is not None and not (policy.allow_either_whitelist_or_store and on_list)
    return Needs(
        call=_by_lists(policy, request).allowed and any(_looks_into(rule) for rule in policy.rules),
        organization_name=request.init_org is not None and any(not name.isdigit() for name in names),
        store=store and _asker(policy, request).outcome is Outcome.ALLOW,
        digests=tuple(dict.fromkeys(one for entry in entries for one in to_look_up(entry, request.image))),
    )


def decide(policy: Policies | None, request: Request) -> Verdict:
    """Decide whether a request may run here: the lists first, then the rules, the first that matches counting."""
    if policy is None or policy.allows_nothing:
        return denied("no policy", "this station has no policy that allows algorithms, so it runs nothing")
    if not is_spelt_well(request.image):
        return denied("image name", "the name of the algorithm's image cannot be read")
    verdict = _by_lists(policy, request)
    if verdict.allowed and policy.rules:
        verdict = _by_rules(policy.rules, request)
    used = request.digests.get(canonical(request.image))
    return Verdict(verdict.outcome, verdict.rule, verdict.reason, verdict.asks_before_release, used)


def terms(policy: Policies, image: str, digests: Mapping[str, str] | None = None) -> Terms:
    """Give the terms on which an image runs here."""
    default = Profile.V4 if policy.accept_v4_defaults else None
    found = next((one for one in policy.per_image if _any_covers(one.images, image, digests)), None)
    if found is None:
        return Terms(profile=default, results=(policy.results,), stock_egress=policy.accept_v4_defaults)
    return _terms(found, default, policy)


def terms_need(policy: Policies, image: str) -> tuple[str, ...]:
    """Name what must be resolved to a digest before `terms` knows all it needs."""
    return tuple(dict.fromkeys(one for found in policy.per_image for e in found.images for one in to_look_up(e, image)))


def _terms(found: ImageTerms, default: Profile | None, policy: Policies) -> Terms:
    return Terms(
        profile=found.profile or default,
        writable_databases=frozenset(found.writable_databases),
        capabilities=frozenset(found.capabilities),
        egress=found.egress or (),
        stock_egress=policy.accept_v4_defaults and found.egress is None,
        share_logs=found.share_logs,
        results=(policy.results, found.results),
    )


# The lists of v4: who asks, and where the image comes from.


def _by_lists(policy: Policies, request: Request) -> Verdict:
    asker = _asker(policy, request)
    return _origin(policy, request) if asker.allowed else asker


def _asker(policy: Policies, request: Request) -> Verdict:
    users, organizations = policy.allowed_users, policy.allowed_organizations
    if not users and not organizations:
        return allowed("allowed_users", "every user is allowed")
    if request.init_user is not None and str(request.init_user) in users:
        return allowed("allowed_users", f"user {request.init_user} is allowed")
    if _is_named(organizations, request):
        return allowed("allowed_organizations", f"organization {request.init_org} is allowed")
    rule = " and ".join(
        name for name, given in (("allowed_users", users), ("allowed_organizations", organizations)) if given
    )
    return denied(rule, f"neither user {request.init_user} nor organization {request.init_org} is allowed here")


def _origin(policy: Policies, request: Request) -> Verdict:
    if is_basics(request.image) and policy.allow_basics_algorithm is not None:
        make = allowed if policy.allow_basics_algorithm else denied
        return make("allow_basics_algorithm", f"allow_basics_algorithm is {str(policy.allow_basics_algorithm).lower()}")
    found = [verdict for verdict in (_by_list(policy, request), _by_store(policy, request)) if verdict is not None]
    if not found:
        reason = "there is no list of algorithms" if policy.rules else "the defaults of v4 were accepted"
        return allowed("rules" if policy.rules else "accept_v4_defaults", reason)
    wanted = Outcome.ALLOW if policy.allow_either_whitelist_or_store else Outcome.DENY
    return next((verdict for verdict in found if verdict.outcome is wanted), found[0])


def _by_list(policy: Policies, request: Request) -> Verdict | None:
    if policy.allowed_algorithms is None:
        return None
    if not _on_list(policy, request):
        return denied("allowed_algorithms", f"the algorithm {request.image} is not among those allowed here")
    entry = next(one for one in policy.allowed_algorithms if listed(one, request.image, request.digests))
    return allowed("allowed_algorithms", f"the algorithm matches {entry}")


def _by_store(policy: Policies, request: Request) -> Verdict | None:
    if policy.allowed_algorithm_stores is None:
        return None
    if request.store is None:
        return denied("allowed_algorithm_stores", "the task does not come from an algorithm store that is allowed here")
    make = allowed if request.store.confirmed else denied
    return make("allowed_algorithm_stores", request.store.reason)


def _on_list(policy: Policies, request: Request) -> bool:
    return any(listed(entry, request.image, request.digests) for entry in policy.allowed_algorithms or ())


# Our own rules.


def _by_rules(rules: Iterable[Rule], request: Request) -> Verdict:
    """Take the first rule that matches; one that asks and only may match is added to a later one that allows."""
    perhaps: list[Rule] = []
    for rule in rules:
        if rule.then is Effect.DENY:
            if _may_match(rule, request):
                return denied(rule.name, f"the rule '{rule.name}' of this station refuses it")
        elif _surely_matches(rule, request):
            return _permitted([*perhaps, rule])
        elif rule.then is not Effect.ALLOW and _may_match(rule, request):
            perhaps.append(rule)
    return denied("no rule", "none of the rules of this station allows it")


def _looks_into(rule: Rule) -> bool:
    return rule.functions is not None or rule.arguments is not None


def _permitted(rules: list[Rule]) -> Verdict:
    asking = {rule.then: rule for rule in reversed(rules)}
    release = Effect.ASK_BEFORE_RELEASE in asking
    if rule := asking.get(Effect.ASK_BEFORE_RUN):
        reason = f"the rule '{rule.name}' wants a person to agree before it runs; {CANNOT_ASK}"
        return Verdict(Outcome.ASK, rule.name, reason, release)
    if rule := asking.get(Effect.ASK_BEFORE_RELEASE):
        reason = f"the rule '{rule.name}' wants a person to agree before its result leaves; {CANNOT_ASK}"
        return Verdict(Outcome.ALLOW, rule.name, reason, release)
    return allowed(rules[-1].name, f"the rule '{rules[-1].name}' allows it")


def _surely_matches(rule: Rule, request: Request) -> bool:
    """Tell whether a rule that allows covers all that is asked: each database, and nothing unknown."""
    function = request.call.function
    return (
        (rule.images is None or _any_covers(rule.images, request.image, request.digests))
        and (rule.functions is None or (function is not None and _any_glob(rule.functions, function)))
        and (rule.arguments_checker is None or _arguments_fit(rule, request.call))
        and (rule.databases is None or all(_any_glob(rule.databases, label) for label in request.databases))
        and (rule.users is None or (request.init_user is not None and str(request.init_user) in rule.users))
        and (rule.organizations is None or _is_named(rule.organizations, request))
    )


def _may_match(rule: Rule, request: Request) -> bool:
    """Tell whether a rule that denies covers any of what is asked, or could."""
    call, user = request.call, request.init_user
    return (
        (rule.images is None or any(_could_cover(entry, request) for entry in rule.images))
        and (rule.functions is None or call.function is None or _any_glob(rule.functions, call.function))
        and (rule.arguments_checker is None or _arguments_could_fit(rule, call))
        and (rule.databases is None or any(_any_glob(rule.databases, label) for label in request.databases))
        and (rule.users is None or user is None or str(user) in rule.users)
        and (rule.organizations is None or _could_be_named(rule.organizations, request))
    )


def _arguments_fit(rule: Rule, call: Call) -> bool:
    checker = rule.arguments_checker
    return checker is not None and call.named is not None and not call.positional and not checker.misfit(call.named)


def _arguments_could_fit(rule: Rule, call: Call) -> bool:
    checker = rule.arguments_checker
    return checker is None or call.named is None or call.positional > 0 or not checker.misfit(call.named)


def _is_named(organizations: Iterable[str], request: Request) -> bool:
    if request.init_org is None:
        return False
    return any(entry in (str(request.init_org), request.init_org_name) for entry in organizations)


def _could_be_named(organizations: Iterable[str], request: Request) -> bool:
    if request.init_org is None or _is_named(organizations, request):
        return True
    return request.init_org_name is None and any(not entry.isdigit() for entry in organizations)


def _could_cover(entry: str, request: Request) -> bool:
    unknown = any(digest_of(one, request.digests) is None for one in to_look_up(entry, request.image))
    return unknown or covers(entry, request.image, request.digests)


def _any_covers(entries: Iterable[str], image: str, digests: Mapping[str, str] | None) -> bool:
    return any(covers(entry, image, digests) for entry in entries)


def _any_glob(globs: Iterable[str], text: str) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)
