"""Who may run what: decided here, from the station's own policy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_node.policy.calls import Call
from hanse_node.policy.decision import Outcome, Request, StoreAnswer, Verdict, decide, needs, terms
from hanse_node.policy.model import Policies, Profile
from hanse_node.policy.words import describe

DIGEST, OTHER = "sha256:" + 64 * "a", "sha256:" + 64 * "b"


def request(image: str = "hanse/summary", user: int | None = 7, org: int | None = 3, **more: Any) -> Request:
    return Request(image, user, org, **more)


def policies(**given: object) -> Policies:
    return Policies.model_validate(given)


def by_rules(*rules: dict[str, Any], **more: object) -> Policies:
    named = [{"name": f"rule {number}", **rule} for number, rule in enumerate(rules)]
    return policies(rules=named, **more)


@pytest.mark.parametrize("policy", [None, Policies(), policies(allowed_users=["7"])])
def test_without_a_policy_nothing_runs(policy: Policies | None) -> None:
    verdict = decide(policy, request())
    assert (verdict.outcome, verdict.rule) == (Outcome.DENY, "no policy")
    assert "hanse node policy init" in describe(policy)[0]


def test_v4s_defaults_must_be_accepted_in_so_many_words() -> None:
    assert decide(policies(accept_v4_defaults=True), request("any/image")).allowed
    assert terms(policies(accept_v4_defaults=True), "any/image").profile is Profile.V4
    only_users = policies(accept_v4_defaults=True, allowed_users=[8])
    assert decide(only_users, request()).rule == "allowed_users"
    listed = policies(accept_v4_defaults=True, allowed_algorithms="hanse/glm")
    assert not decide(listed, request()).allowed


def test_an_empty_list_of_algorithms_allows_none() -> None:
    assert not decide(policies(allowed_algorithms=[]), request()).allowed


@pytest.mark.parametrize("image", ["hanse/x\n", "hanse/x y", "", "-x", "hanse/" + 600 * "x", "hänse/x"])
def test_what_is_no_name_of_an_image_matches_nothing(image: str) -> None:
    assert decide(policies(allowed_algorithms="^.*"), request(image)).rule == "image name"


@pytest.mark.parametrize(
    ("users", "organizations", "allowed"),
    [
        ([], [], True), ([7], [], True), (["7"], [], True), ([8], [], False), ([], [3], True), ([], ["alpha"], True),
        ([], ["beta"], False), ([8], ["alpha"], True), ([8], [4], False),
    ],
)  # fmt: skip
def test_users_and_organizations_are_compared_as_text(
    users: list[object], organizations: list[object], allowed: bool
) -> None:
    policy = policies(allowed_algorithms="^hanse/", allowed_users=users, allowed_organizations=organizations)
    verdict = decide(policy, request(init_org_name="alpha"))
    assert verdict.allowed is allowed
    assert ("user 7" in verdict.reason) is not allowed or allowed


def test_an_unknown_initiator_is_not_allowed_by_accident() -> None:
    policy = policies(allowed_algorithms="^hanse/", allowed_users=["None"], allowed_organizations=["None"])
    assert not decide(policy, request(user=None, org=None)).allowed


@pytest.mark.parametrize(
    ("on_list", "confirmed", "either", "allowed"),
    [
        (True, True, False, True), (True, False, False, False), (False, True, False, False),
        (False, False, False, False),
        (None, True, False, True), (None, False, False, False), (True, None, False, True), (False, None, False, False),
        (True, True, True, True), (True, False, True, True), (False, True, True, True), (False, False, True, False),
        (None, True, True, True), (None, False, True, False), (True, None, True, True), (False, None, True, False),
    ],
)  # fmt: skip
def test_list_and_store_are_both_required_or_either_where_a_missing_one_has_no_say(
    on_list: bool | None, confirmed: bool | None, either: bool, allowed: bool
) -> None:
    given: dict[str, Any] = {"allow_either_whitelist_or_store": either}
    if on_list is not None:
        given["allowed_algorithms"] = "hanse/summary" if on_list else "hanse/glm"
    if confirmed is not None:
        given["allowed_algorithm_stores"] = "https://store"
    answer = None if confirmed is None else StoreAnswer(confirmed, "asked")
    assert decide(policies(**given), request(store=answer)).allowed is allowed


def test_a_store_that_was_not_asked_confirms_nothing() -> None:
    verdict = decide(policies(allowed_algorithm_stores="https://store"), request())
    assert (verdict.allowed, verdict.rule) == (False, "allowed_algorithm_stores")


@pytest.mark.parametrize(
    ("switch", "elsewhere", "on_no_list"), [(None, True, False), (True, True, True), (False, False, False)]
)
def test_the_basics_image_is_as_any_other_unless_its_switch_says_so(
    switch: bool | None, elsewhere: bool, on_no_list: bool
) -> None:
    image = "ghcr.io/vantage6/algorithm-basics:latest"
    listed = policies(allowed_algorithms=["glob:ghcr.io/vantage6/*"], allow_basics_algorithm=switch)
    assert decide(listed, request(image)).allowed is elsewhere
    other = policies(allowed_algorithms="hanse/summary", allow_basics_algorithm=switch)
    assert decide(other, request(image)).allowed is on_no_list
    assert not decide(other, request("ghcr.io/vantage6/algorithm-basics-evil:latest")).allowed


def test_the_first_rule_that_matches_counts_and_without_one_nothing_runs() -> None:
    policy = by_rules({"then": "deny", "functions": "secret*"}, {"then": "allow", "images": "hanse/*"})
    assert decide(policy, request(call=Call("mean", {}))).rule == "rule 1"
    assert decide(policy, request(call=Call("secret_rows", {}))).rule == "rule 0"
    assert decide(policy, request("other/x", call=Call("mean", {}))).rule == "no rule"


def test_rules_come_on_top_of_the_lists() -> None:
    policy = by_rules({"then": "allow"}, allowed_algorithms="hanse/summary")
    assert decide(policy, request()).allowed
    assert decide(policy, request("hanse/glm")).rule == "allowed_algorithms"


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("images", {"image": "hanse/summary:1"}, {"image": "other/summary"}),
        ("functions", {"call": Call("mean", {})}, {"call": Call("max", {})}),
        ("databases", {"databases": ("default", "d2")}, {"databases": ("lung",)}),
        ("users", {"user": 7}, {"user": 8}),
        ("organizations", {"init_org_name": "alpha"}, {"init_org_name": "beta", "org": 4}),
        ("arguments", {"call": Call("f", {"bins": 3})}, {"call": Call("f", {"bins": 300})}),
    ],
)
def test_every_field_of_a_rule_counts(field: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    value: Any = {
        "images": ["glob:hanse/*"], "functions": ["me*"], "databases": ["d*"], "users": [7], "organizations": ["alpha"],
        "arguments": {"properties": {"bins": {"maximum": 20}}, "required": ["bins"], "additionalProperties": False},
    }[field]  # fmt: skip
    for effect, expected in (("allow", True), ("deny", False)):
        policy = by_rules({"then": effect, field: value}, {"then": "allow" if effect == "deny" else "deny"})
        assert decide(policy, request(**good)).allowed is expected
        assert decide(policy, request(**bad)).allowed is not expected


@pytest.mark.parametrize(
    ("field", "value", "unknown"),
    [
        ("functions", "mean", {"call": Call()}),
        ("arguments", {"type": "object"}, {"call": Call("f", {}, positional=1)}),
        ("arguments", {"type": "object"}, {"call": Call("f", None)}),
        ("users", 7, {"user": None}),
        ("organizations", "alpha", {"init_org_name": None}),
        ("organizations", 3, {"org": None}),
        ("images", f"hanse/summary@{DIGEST}", {"image": "hanse/summary:1"}),
    ],
)
def test_what_is_not_known_is_never_allowed_by_a_rule_and_always_denied(
    field: str, value: object, unknown: dict[str, Any]
) -> None:
    assert not decide(by_rules({"then": "allow", field: value}), request(**unknown)).allowed
    assert not decide(by_rules({"then": "deny", field: value}, {"then": "allow"}), request(**unknown)).allowed


def test_a_rule_that_allows_must_cover_every_database_one_that_denies_any() -> None:
    both = request(databases=("open", "secret"))
    assert not decide(by_rules({"then": "allow", "databases": "open"}), both).allowed
    assert not decide(by_rules({"then": "deny", "databases": "secret"}, {"then": "allow"}), both).allowed


def test_a_person_may_be_asked_before_a_run_or_before_a_release() -> None:
    before = decide(by_rules({"then": "ask before run"}), request())
    assert (before.outcome, before.allowed) == (Outcome.ASK, False)
    assert "agree before it runs; this node cannot ask anybody yet, so it refuses for now" in str(before)
    release = decide(by_rules({"then": "ask before release"}), request())
    assert (release.outcome, release.asks_before_release, release.allowed) == (Outcome.ALLOW, True, False)
    assert "before its result leaves; this node cannot ask anybody yet, so it refuses for now" in str(release)
    for effect in ("ask before run", "ask before release"):
        assert (
            f"{effect} (this node cannot ask anybody yet, so it refuses for now)"
            in describe(by_rules({"then": effect}))[0]
        )


def test_a_rule_that_asks_is_not_passed_by_by_what_it_covers_only_in_part() -> None:
    policy = by_rules({"then": "ask before run", "databases": "secret"}, {"then": "allow"})
    assert decide(policy, request(databases=("secret", "open"))).outcome is Outcome.ASK
    assert decide(policy, request(databases=("open",))).allowed
    release = by_rules({"then": "ask before release", "functions": "export"}, {"then": "allow"})
    assert decide(release, request(call=Call())).asks_before_release


def test_only_what_would_change_the_decision_is_looked_up() -> None:
    assert not needs(None, request()).store
    assert not needs(policies(allowed_algorithms="a", allowed_organizations=[3]), request()).organization_name
    assert needs(policies(allowed_algorithms="a", allowed_organizations=["alpha"]), request()).organization_name
    stores = policies(allowed_algorithm_stores="https://s", allowed_algorithms="hanse/summary")
    assert needs(stores, request()).store
    either = stores.model_copy(update={"allow_either_whitelist_or_store": True})
    assert not needs(either, request()).store
    assert not needs(stores.model_copy(update={"allowed_users": ("8",)}), request()).store
    pinned = policies(allowed_algorithms=f"hanse/summary@{DIGEST}")
    assert needs(pinned, request("hanse/summary:1")).digests == ("hanse/summary:1",)
    assert needs(pinned, request("other/x:1")).digests == ()
    assert needs(pinned, request(f"hanse/summary@{OTHER}")).digests == ()
    assert not needs(pinned, request()).call
    assert needs(by_rules({"then": "allow", "functions": "f"}), request()).call


def test_a_tag_is_allowed_by_what_it_stands_for_and_bound_to_that() -> None:
    pinned = policies(allowed_algorithms=f"hanse/summary@{DIGEST}")
    verdict = decide(pinned, request("hanse/summary:1", digests={"hanse/summary:1": DIGEST}))
    assert (verdict.allowed, verdict.digest) == (True, DIGEST)
    assert not decide(pinned, request("hanse/summary:1", digests={"hanse/summary:1": OTHER})).allowed
    assert not decide(pinned, request("hanse/summary:1")).allowed


def test_the_first_entry_that_covers_an_image_gives_its_terms() -> None:
    policy = policies(
        allowed_algorithms="^hanse/",
        results={"max_bytes": "1 MB"},
        per_image=[
            {"images": "hanse/old", "profile": "v4", "capabilities": ["cap_chown"], "writable_databases": "d"},
            {"images": "hanse/*", "results": {"max_bytes": 10}, "egress": ["terminology"], "share_logs": True},
        ],
    )
    old, other, foreign = (terms(policy, image) for image in ("hanse/old:1", "hanse/new", "x/y"))
    assert (old.profile, old.capabilities, old.writable_databases) == (Profile.V4, {"CHOWN"}, {"d"})
    assert (old.max_bytes, other.max_bytes, foreign.max_bytes) == (1_000_000, 10, 1_000_000)
    assert (other.profile, other.egress, other.share_logs) == (None, ("terminology",), True)
    assert (foreign.profile, foreign.share_logs) == (None, None)


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"per_image": [{"images": "x", "capabilities": "SYS_ADMIN"}]}, "cannot be given"),
        ({"rules": [{"name": "a", "then": "maybe"}]}, "allow"),
        ({"rules": [{"name": "a", "then": "allow"}, {"name": "a", "then": "deny"}]}, "twice"),
        ({"rules": [{"name": "a", "then": "allow", "image": "x"}]}, "image"),
        ({"rules": [{"name": "a", "then": "allow", "arguments": {"type": "objekt"}}]}, "JSON Schema"),
        ({"results": {"schema": {"$ref": "http://example.org/s"}}}, "JSON Schema"),
        ({"results": {"max_bytes": "lots"}}, "bytes"),
        ({"allowed_algorithms": ["regex:("]}, "regular expression"),
        ({"allowed_algorithms": ["sha256:12"]}, "digest"),
        ({"allowed_algoritms": ["x"]}, "allowed_algoritms"),
    ],
)
def test_a_policy_with_a_mistake_is_none(given: dict[str, object], cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        policies(**given)


def test_the_policy_can_be_read_by_people() -> None:
    policy = policies(allowed_algorithms=["a", "b"], allowed_users=[7])
    assert describe(policy) == ["algorithms allowed: a, b", "only for users 7 or organizations none"]
    assert describe(policies(allowed_algorithms="a"))[1] == "for every user of the collaboration"
    words = "\n".join(
        describe(
            by_rules(
                {"then": "deny", "functions": "raw", "arguments": {}}, {"then": "allow"},
                per_image=[{"images": "x", "profile": "v4", "share_logs": False, "results": {"max_bytes": 5}}],
                allowed_algorithm_stores="https://s", results={"schema": {}},
            )
        )
    )  # fmt: skip
    for part in (
        "deny functions raw; these arguments",
        "allow everything else",
        "profile v4; logs stay; results of",
    ):
        assert part in words


NAMES = st.sampled_from(["hanse/a", "hanse/b:1", f"hanse/a@{DIGEST}", "x/y", "Docker.io/hanse/a"])
RULES = st.lists(
    st.fixed_dictionaries(
        {"then": st.sampled_from(["allow", "deny", "ask before run", "ask before release"])},
        optional={
            "images": st.lists(st.sampled_from(["hanse/*", "hanse/a", f"hanse/a@{DIGEST}", "regex:x/.*"]), max_size=2),
            "functions": st.lists(st.sampled_from(["f", "g*"]), max_size=2),
            "databases": st.lists(st.sampled_from(["d", "e"]), max_size=2),
            "users": st.lists(st.sampled_from([7, 8]), max_size=2),
            "organizations": st.lists(st.sampled_from([3, "alpha"]), max_size=2),
        },
    ),
    max_size=4,
)
REQUESTS = st.builds(
    Request,
    image=NAMES,
    init_user=st.sampled_from([7, 9]),
    init_org=st.sampled_from([3, 5]),
    init_org_name=st.sampled_from(["alpha", "beta"]),
    databases=st.lists(st.sampled_from(["d", "e"]), max_size=2).map(tuple),
    call=st.sampled_from([Call("f", {}), Call("gg", {}), Call("h", {})]),
)


@given(RULES, REQUESTS, st.sampled_from(["init_user", "init_org", "init_org_name", "call"]))
def test_knowing_less_never_allows_more(rules: list[dict[str, Any]], asked: Request, hidden: str) -> None:
    policy = by_rules(*rules)
    fields = {name: getattr(asked, name) for name in Request.__slots__}
    fields[hidden] = Call() if hidden == "call" else None
    if decide(policy, Request(**fields)).allowed:
        assert decide(policy, asked).allowed


@given(RULES, REQUESTS)
def test_one_more_database_never_allows_more(rules: list[dict[str, Any]], asked: Request) -> None:
    fields = {name: getattr(asked, name) for name in Request.__slots__}
    more = Request(**{**fields, "databases": (*asked.databases, "z")})
    if asked.databases and not decide(by_rules(*rules), asked).allowed:
        assert not decide(by_rules(*rules), more).allowed


@given(RULES, REQUESTS)
def test_a_rule_in_front_that_denies_all_leaves_nothing(rules: list[dict[str, Any]], asked: Request) -> None:
    assert not decide(by_rules({"then": "deny"}, *rules), asked).allowed


@given(RULES, REQUESTS)
def test_every_verdict_names_a_rule_of_the_policy(rules: list[dict[str, Any]], asked: Request) -> None:
    policy = by_rules(*rules)
    verdict: Verdict = decide(policy, asked)
    assert verdict.rule in {"no policy", "no rule", *(rule.name for rule in policy.rules)}
