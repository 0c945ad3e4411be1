"""The policy in plain words, for logs and `hanse node check`."""

from collections.abc import Iterator

from hanse_node.policy.decision import CANNOT_ASK
from hanse_node.policy.model import Effect, ImageTerms, Policies, ResultLimits, Rule

NOTHING = "nothing may run: make a policy with  hanse node policy init"


def describe(policy: Policies | None) -> list[str]:
    """Say what the policy allows, one line per rule."""
    if policy is None or policy.allows_nothing:
        return [NOTHING]
    return [*_lists(policy), *map(_rule, policy.rules), *map(_terms, policy.per_image), *_results(policy.results)]


def _lists(policy: Policies) -> Iterator[str]:
    if policy.allowed_algorithms is not None:
        yield f"algorithms allowed: {', '.join(policy.allowed_algorithms) or 'none'}"
    if policy.allowed_algorithm_stores is not None:
        yield f"algorithms confirmed by: {', '.join(policy.allowed_algorithm_stores) or 'none'}"
    if policy.allowed_algorithms is not None and policy.allowed_algorithm_stores is not None:
        yield "either is enough" if policy.allow_either_whitelist_or_store else "both are required"
    if policy.accept_v4_defaults and policy.allowed_algorithms is None and policy.allowed_algorithm_stores is None:
        yield "every algorithm is allowed, as in v4"
    if policy.allowed_users or policy.allowed_organizations:
        users = ", ".join(policy.allowed_users) or "none"
        organizations = ", ".join(policy.allowed_organizations) or "none"
        yield f"only for users {users} or organizations {organizations}"
    elif not policy.rules:
        yield "for every user of the collaboration"


def _rule(rule: Rule) -> str:
    fields = ("images", "functions", "databases", "users", "organizations")
    given = [f"{name} {', '.join(getattr(rule, name)) or 'none'}" for name in fields if getattr(rule, name) is not None]
    given += ["these arguments"] if rule.arguments is not None else []
    asks = rule.then in (Effect.ASK_BEFORE_RUN, Effect.ASK_BEFORE_RELEASE)
    effect = f"{rule.then.value} ({CANNOT_ASK})" if asks else rule.then.value
    return f"rule '{rule.name}': {effect} {'; '.join(given) or 'everything else'}"


def _terms(entry: ImageTerms) -> str:
    parts = [f"profile {entry.profile.value}"] if entry.profile else []
    parts += [f"may change a copy of {', '.join(entry.writable_databases)}"] if entry.writable_databases else []
    parts += [f"capabilities {', '.join(entry.capabilities)}"] if entry.capabilities else []
    parts += [f"reaches {', '.join(entry.egress)}"] if entry.egress else []
    parts += [f"logs {'leave' if entry.share_logs else 'stay'}"] if entry.share_logs is not None else []
    return f"images {', '.join(entry.images)}: {'; '.join([*parts, *_results(entry.results)]) or 'as all others'}"


def _results(limits: ResultLimits) -> list[str]:
    words = [f"results of at most {limits.max_bytes} bytes"] if limits.max_bytes is not None else []
    return words + (["results only in the form of the schema"] if limits.json_schema is not None else [])
