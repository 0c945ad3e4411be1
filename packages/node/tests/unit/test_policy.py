"""Who may run what: decided here, from the station's own policy."""

import pytest

from hanse_node.policy import Request, decide, describe, matches, name_of, needs_names
from hanse_node.settings import Policies


def request(
    image: str = "hanse/summary", user: int | None = 7, org: int | None = 3, name: str | None = None
) -> Request:
    return Request(image, user, org, name)


def policies(**given: object) -> Policies:
    return Policies.model_validate(given)


@pytest.mark.parametrize("policy", [None, Policies(), policies(allowed_users=["7"])])
def test_without_allowed_algorithms_nothing_runs(policy: Policies | None) -> None:
    verdict = decide(policy, request())
    assert not verdict.allowed
    assert "no policy" in verdict.reason
    assert "nothing may run" in describe(policy)[0]


def test_an_empty_list_of_algorithms_allows_none() -> None:
    assert not decide(policies(allowed_algorithms=[]), request()).allowed


@pytest.mark.parametrize(
    ("entry", "image", "matching"),
    [
        ("hanse/summary", "hanse/summary", True),
        ("hanse/summary", "hanse/summary:2", True),
        ("hanse/summary", "hanse/summary@sha256:aa", True),
        ("hanse/summary:2", "hanse/summary:2", True),
        ("hanse/summary:2", "hanse/summary:3", False),
        ("hanse/summary:2", "hanse/summary", False),
        ("hanse/summary", "hanse/summary-evil", False),
        ("hanse/summary", "other/hanse/summary", False),
        ("registry:5000/x", "registry:5000/x:1", True),
        ("registry:5000/x", "registry:5000/y", False),
        ("^hanse/.*", "hanse/glm:1", True),
        ("^hanse/.*", "evil/hanse/glm", False),
        ("hanse/(glm|summary)$", "hanse/glm", True),
        ("hanse/(glm|summary)$", "hanse/glm:1", False),
        ("hanse/.*", "not-hanse/x", False),
        ("hanse/(", "hanse/(", False),
    ],
)
def test_entries_match_as_in_v4(entry: str, image: str, matching: bool) -> None:
    assert matches(entry, image) is matching
    assert decide(policies(allowed_algorithms=entry), request(image)).allowed is matching


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
    verdict = decide(policy, request(name="alpha"))
    assert verdict.allowed is allowed
    assert ("user 7" in verdict.reason) is not allowed or allowed


def test_an_unknown_initiator_is_not_allowed_by_accident() -> None:
    policy = policies(allowed_algorithms="^hanse/", allowed_users=["None"], allowed_organizations=["None"])
    assert not decide(policy, request(user=None, org=None)).allowed


def test_stores_cannot_be_confirmed_yet_so_they_deny() -> None:
    stores = {"allowed_algorithm_stores": ["https://store"]}
    assert not decide(policies(**stores), request()).allowed
    assert not decide(policies(**stores, allowed_algorithms="hanse/summary"), request()).allowed
    either = policies(**stores, allowed_algorithms="hanse/summary", allow_either_whitelist_or_store=True)
    assert decide(either, request()).allowed
    assert not decide(either, request("hanse/glm")).allowed


@pytest.mark.parametrize("allowed", [True, False])
def test_the_basics_image_has_a_switch_of_its_own(allowed: bool) -> None:
    policy = policies(allowed_algorithms="hanse/summary", allow_basics_algorithm=allowed)
    assert decide(policy, request("ghcr.io/vantage6/algorithm-basics:latest")).allowed is allowed
    assert not decide(policy, request("ghcr.io/vantage6/algorithm-basics-evil:latest")).allowed


def test_names_are_looked_up_only_where_needed() -> None:
    assert not needs_names(None)
    assert not needs_names(policies(allowed_organizations=[3, "4"]))
    assert needs_names(policies(allowed_organizations=[3, "alpha"]))


def test_the_policy_can_be_read_by_people() -> None:
    policy = policies(allowed_algorithms=["a", "b"], allowed_users=[7])
    assert describe(policy) == ["algorithms allowed: a, b", "only for users 7 or organizations none"]
    assert describe(policies(allowed_algorithms="a"))[1] == "for every user of the collaboration"


@pytest.mark.parametrize(
    ("image", "name"), [("a/b:1", "a/b"), ("a/b@sha256:c", "a/b"), ("r:5/b:1@sha256:c", "r:5/b"), ("b", "b")]
)
def test_tag_and_digest_are_stripped(image: str, name: str) -> None:
    assert name_of(image) == name
