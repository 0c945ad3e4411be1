"""What the station's owner allows, decided without asking anybody. No policy means that nothing runs."""

import re
from dataclasses import dataclass

from hanse_node.settings import Policies

_REGULAR = re.compile(r"[*\\?$^\[\](){}|+]")
BASICS = ("ghcr.io/vantage6/algorithm-basics", "harbor2.vantage6.ai/algorithms/basics")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: which image, for whom."""

    image: str
    init_user: int | None
    init_org: int | None
    init_org_name: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and why, in words that go to the requester and into the journal."""

    allowed: bool
    reason: str


def decide(policy: Policies | None, request: Request) -> Verdict:
    """Decide whether a request may run here."""
    if policy is None or (policy.allowed_algorithms is None and policy.allowed_algorithm_stores is None):
        return Verdict(False, "this station has no policy that allows algorithms, so it runs nothing")
    person = _person(policy, request)
    return _algorithm(policy, request.image) if person.allowed else person


def describe(policy: Policies | None) -> list[str]:
    """Put the policy into plain words, one line per rule."""
    if policy is None or (policy.allowed_algorithms is None and policy.allowed_algorithm_stores is None):
        return ["nothing may run: set policies.allowed_algorithms"]
    images = ", ".join(policy.allowed_algorithms or ()) or "none"
    lines = [f"algorithms allowed: {images}"]
    if policy.allowed_users or policy.allowed_organizations:
        users = ", ".join(policy.allowed_users) or "none"
        organizations = ", ".join(policy.allowed_organizations) or "none"
        lines.append(f"only for users {users} or organizations {organizations}")
    else:
        lines.append("for every user of the collaboration")
    return lines


def needs_names(policy: Policies | None) -> bool:
    """Tell whether organizations are allowed by name, so that the initiator's name must be looked up."""
    return policy is not None and any(not entry.isdigit() for entry in policy.allowed_organizations)


def _person(policy: Policies, request: Request) -> Verdict:
    if not policy.allowed_users and not policy.allowed_organizations:
        return Verdict(True, "every user is allowed")
    if request.init_user is not None and str(request.init_user) in policy.allowed_users:
        return Verdict(True, f"user {request.init_user} is allowed")
    names = {str(request.init_org), request.init_org_name} if request.init_org is not None else set()
    if any(entry in names for entry in policy.allowed_organizations):
        return Verdict(True, f"organization {request.init_org} is allowed")
    return Verdict(False, f"neither user {request.init_user} nor organization {request.init_org} is allowed here")


def _algorithm(policy: Policies, image: str) -> Verdict:
    if _is_basics(image):
        allowed = policy.allow_basics_algorithm
        return Verdict(allowed, f"allow_basics_algorithm is {str(allowed).lower()}")
    entries = policy.allowed_algorithms
    listed = next((entry for entry in entries or () if matches(entry, image)), None)
    if policy.allowed_algorithm_stores is not None and not (policy.allow_either_whitelist_or_store and listed):
        return Verdict(False, "allowed_algorithm_stores is set, but this node cannot confirm images at a store yet")
    if listed is None:
        return Verdict(False, f"the algorithm {image} is not among those allowed here")
    return Verdict(True, f"the algorithm matches {listed}")


def matches(entry: str, image: str) -> bool:
    """Tell whether an entry of `allowed_algorithms` covers an image.

    An entry with any of `* \\ ? $ ^ [ ] ( ) { } | +` is a regular expression matched from the start; another one
    equals the image, or its name without tag and digest.
    """
    if _REGULAR.search(entry):
        try:
            return re.match(entry, image) is not None
        except re.error:
            return False
    return entry in (image, name_of(image))


def name_of(image: str) -> str:
    """Strip tag and digest from an image."""
    name = image.split("@", 1)[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.split(":", 1)[0]


def _is_basics(image: str) -> bool:
    return name_of(image) in BASICS
