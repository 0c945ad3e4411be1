"""The text of a new policy file: what was answered, and the rest as comments that explain themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Answers:
    """What the owner of a station wants at first."""

    images: Sequence[str] = ()
    stores: Sequence[str] = ()
    either: bool = False
    organizations: Sequence[str] = ()
    users: Sequence[str] = ()
    v4_images: Sequence[str] = ()
    """Which of the images are published v4 images, that want user 0."""
    max_bytes: str = ""


def text(answers: Answers) -> str:
    """Write the file."""
    return _TEXT.format(
        algorithms=_part("allowed_algorithms", answers.images, "- hanse/summary"),
        stores=_part("allowed_algorithm_stores", answers.stores, "- https://store.example/api"),
        either=str(answers.either).lower(),
        organizations=_part("allowed_organizations", answers.organizations, "- alpha"),
        users=_part("allowed_users", answers.users, "- 7"),
        results=_results(answers),
        exceptions=_exceptions(answers),
    )


_TEXT = """\
# What may run at this station, and what may leave it. It counts five seconds after it is saved.
# A mistake in this file makes the node refuse everything until it is mended.
# Try it:  hanse node policy test --image IMAGE --method FUNCTION --organization ID
version: 1

# Images that may run: NAME (any tag or digest), NAME:TAG, NAME@sha256:DIGEST, glob:PATTERN, regex:PATTERN.
# Nothing runs that is not listed; the safest entry names a digest.
{algorithms}

# Algorithm stores that this node asks itself whether they have approved an image.
{stores}
# With both lists an image must be on both; true: one is enough.
allow_either_whitelist_or_store: {either}

# Who may start it: ids or names of organizations, ids of users. One of the two is enough; without any: everybody.
{organizations}
{users}

# What it may do: the first rule that matches decides, and what matches none is refused.
# then: allow or deny. All fields that are given must match.
# rules:
#   - name: no raw rows
#     then: deny
#     functions: ["raw_*"]
#   - name: histograms with few bins
#     then: allow
#     functions: [histogram]
#     databases: [default]
#     arguments: {{properties: {{bins: {{type: integer, maximum: 20}}}}, required: [bins], additionalProperties: false}}

# What may leave: the largest result, and its form as JSON Schema, which must fit exactly.
{results}

# Exceptions for single images. Published v4 images want profile v4: user 0 and a file system that can be
# written and is thrown away. Each exception is listed by  hanse node check
{exceptions}
"""


def _part(key: str, values: Sequence[str], example: str) -> str:
    return _yaml({key: list(values)}) if values else f"# {key}:\n#   {example}"


def _results(answers: Answers) -> str:
    if answers.max_bytes:
        return _yaml({"results": {"max_bytes": answers.max_bytes}})
    return "# results:\n#   max_bytes: 1 MB\n#   schema: {type: object, additionalProperties: {type: number}}"


def _exceptions(answers: Answers) -> str:
    if answers.v4_images:
        return _yaml({"per_image": [{"images": list(answers.v4_images), "profile": "v4"}]})
    return "# per_image:\n#   - images: [ghcr.io/vantage6/*]\n#     profile: v4"


def _yaml(fields: dict[str, Any]) -> str:
    return str(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)).rstrip("\n")
