"""The policy as its file says it: v4's lists, and rules, results and relaxations of our own."""

import re
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from hanse_node.policy.schemas import BadSchema, Checker

CAPABILITIES = frozenset(
    {
        "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "IPC_LOCK", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID",
        "SYS_CHROOT", "SYS_NICE",
    }
)  # fmt: skip
"""What a policy may give back to one image. None of these leads out of a container."""

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | int) else value


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float | bool) else value


def _as_bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", value)
    if found is None or found[2].upper() not in _UNITS:
        raise ValueError("must be a number of bytes, or one with a unit such as 10 MB or 64 KiB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _usable_entry(entry: str) -> str:
    if entry.startswith("regex:"):
        try:
            re.compile(entry.removeprefix("regex:"))
        except re.error as error:
            raise ValueError(f"{entry!r} is no regular expression: {error}") from None
    if entry.startswith("sha256:") and not re.fullmatch(r"sha256:[0-9a-f]{64}", entry):
        raise ValueError(f"{entry!r} is no digest: sha256: and 64 small hexadecimal digits")
    return entry


def _usable_schema(value: dict[str, Any] | None) -> dict[str, Any] | None:
    if value is not None:
        try:
            Checker(value)
        except BadSchema as error:
            raise ValueError(f"is no JSON Schema that can be used here: {error}") from None
    return value


def known_capability(name: str) -> str:
    """Spell a capability the one way. Raises `ValueError` for one that could lead out of a container."""
    name = name.upper().removeprefix("CAP_")
    if name not in CAPABILITIES:
        raise ValueError(f"{name} cannot be given to an algorithm; possible are {', '.join(sorted(CAPABILITIES))}")
    return name


Text = Annotated[str, BeforeValidator(_as_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_list)]
Images = Annotated[tuple[Annotated[Text, AfterValidator(_usable_entry)], ...], BeforeValidator(_as_list)]
JsonSchema = Annotated[dict[str, Any] | None, AfterValidator(_usable_schema)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$", max_length=80)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Effect(str, Enum):
    """What becomes of a run that a rule matches."""

    ALLOW = "allow"
    DENY = "deny"
    ASK_BEFORE_RUN = "ask before run"
    ASK_BEFORE_RELEASE = "ask before release"


class Profile(str, Enum):
    """How an image is confined."""

    STRICT = "strict"
    """An unprivileged user, and a file system that cannot be written."""
    V4 = "v4"
    """User 0 and a writable file system that is thrown away, as published v4 images expect."""


class ResultLimits(_Frozen):
    """What a result may be."""

    max_bytes: Annotated[int, Field(gt=0), BeforeValidator(_as_bytes)] | None = None
    json_schema: Annotated[JsonSchema, Field(alias="schema")] = None

    @cached_property
    def checker(self) -> Checker | None:
        """Give what checks results, made once."""
        return None if self.json_schema is None else Checker(self.json_schema)


class Rule(_Frozen):
    """One rule: every field that is given must match; one entry of a field is enough."""

    name: Name
    then: Effect
    images: Images | None = None
    functions: Texts | None = None
    arguments: JsonSchema = None
    databases: Texts | None = None
    users: Texts | None = None
    organizations: Texts | None = None

    @cached_property
    def arguments_checker(self) -> Checker | None:
        """Give what checks arguments, made once."""
        return None if self.arguments is None else Checker(self.arguments)


class ImageTerms(_Frozen):
    """How some images are treated; the first entry that covers an image counts."""

    images: Annotated[Images, Field(min_length=1)]
    profile: Profile | None = None
    writable_databases: Texts = ()
    capabilities: Annotated[
        tuple[Annotated[str, AfterValidator(known_capability)], ...], BeforeValidator(_as_list)
    ] = ()
    egress: Texts | None = None
    share_logs: bool | None = None
    results: ResultLimits = ResultLimits()


class Policies(_Frozen):
    """The whole policy of a station."""

    allowed_algorithms: Images | None = None
    allowed_users: Texts = ()
    allowed_organizations: Texts = ()
    allowed_algorithm_stores: Texts | None = None
    allow_either_whitelist_or_store: bool = False
    allow_basics_algorithm: bool | None = None
    require_algorithm_pull: bool = True
    accept_v4_defaults: bool = False
    rules: tuple[Rule, ...] = ()
    per_image: tuple[ImageTerms, ...] = ()
    results: ResultLimits = ResultLimits()
    version: Literal[1] = 1

    @property
    def allows_nothing(self) -> bool:
        """Tell whether it names nothing at all that may run."""
        listed = self.allowed_algorithms is not None or self.allowed_algorithm_stores is not None
        return not (listed or self.rules or self.accept_v4_defaults)

    @model_validator(mode="after")
    def _distinct_names(self) -> "Policies":
        names = [rule.name for rule in self.rules]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"rules must have names of their own: {', '.join(sorted(doubled))} is there twice")
        return self
