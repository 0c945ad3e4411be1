"""The permission table of v4: which rules exist, and which of them the default roles hold.

A rule is resource x scope x operation. The order of `RULES` is the order of the rule ids in a fresh
v4 database; it is kept so that a database can be moved over and back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum


class Scope(IntEnum):
    """How far a rule reaches, narrow to wide."""

    OWN = 1
    ORGANIZATION = 2
    COLLABORATION = 3
    GLOBAL = 4


class Operation(str, Enum):
    """What a rule allows; the values are the short codes of the wire."""

    VIEW = "v"
    EDIT = "e"
    CREATE = "c"
    DELETE = "d"
    SEND = "s"
    RECEIVE = "r"


class Resource(str, Enum):
    """What a rule is about; the values are the names on the wire."""

    NODE = "node"
    COLLABORATION = "collaboration"
    ORGANIZATION = "organization"
    TASK = "task"
    RUN = "run"
    USER = "user"
    ROLE = "role"
    PORT = "port"
    EVENT = "event"
    STUDY = "study"


SCOPE_CODES = {Scope.OWN: "own", Scope.ORGANIZATION: "org", Scope.COLLABORATION: "col", Scope.GLOBAL: "glo"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One permission."""

    resource: Resource
    scope: Scope
    operation: Operation

    @property
    def description(self) -> str:
        where = {
            Scope.OWN: "of one's own",
            Scope.ORGANIZATION: "of one's own organization",
            Scope.COLLABORATION: "of the organizations one collaborates with",
            Scope.GLOBAL: "of everybody",
        }[self.scope]
        return f"{self.operation.name.capitalize()} {self.resource.value}s {where}"


_SCOPES = {"o": Scope.OWN, "g": Scope.ORGANIZATION, "c": Scope.COLLABORATION, "a": Scope.GLOBAL}


def _rules(text: str) -> tuple[Rule, ...]:
    """Read lines of `resource: operation scopes, operation scopes`; scopes: a(ll), c(ollaboration), (or)g, o(wn)."""
    rules = []
    for line in text.strip().splitlines():
        resource, grants = line.split(":")
        for grant in grants.split(","):
            operation, scopes = grant.split()
            for scope in scopes:
                rule = Rule(Resource(resource.strip()), _SCOPES[scope], Operation[operation.upper()])
                rules.append(rule)
    return tuple(rules)


RULES = _rules("""
    node: view acg, edit acg, create acg, delete acg
    collaboration: view ag, edit ac, create a, delete ac
    organization: view agc, edit agc, create a, delete a
    task: view acgo, create ac, delete acgo
    run: view acgo
    user: view acg, create acg, edit acgo, delete acgo
    role: view acg, create acg, edit acg, delete acg
    port: view ag
    event: receive gca, send gca
    study: view agc, edit acg, create ac, delete acg
""")

RULE_IDS = {rule: number for number, rule in enumerate(RULES, start=1)}


@dataclass(frozen=True, slots=True)
class DefaultRole:
    """A built-in role; it cannot be edited, deleted, or have its name taken."""

    name: str
    description: str
    rules: frozenset[Rule]


_CONTAINER = """
    node: view g
    collaboration: view g
    organization: view gc
    task: view c
    run: view c
    port: view g
    study: view g
"""
_NODE = """
    node: edit g
    organization: edit g
"""
_VIEWER = """
    node: view cg
    collaboration: view g
    organization: view gc
    task: view c
    run: view c
    user: view g, edit o, delete o
    role: view g
    port: view g
    event: receive gc
    study: view g
"""
_RESEARCHER = """
    task: create c, delete g
"""
_ORGANIZATION_ADMIN = """
    node: edit g, create g
    organization: edit g
    user: create g, edit g, delete g
    role: create g, edit g, delete g
    event: send g
"""
_COLLABORATION_ADMIN = """
    node: create c, delete c
    collaboration: edit c
    organization: view a, edit c
    task: create c, delete g
    user: view c, create c, edit c
    role: view c
    event: send c
    study: view c, edit c, create c, delete c
"""


def _role(name: str, description: str, *texts: str) -> DefaultRole:
    return DefaultRole(name, description, frozenset(rule for text in texts for rule in _rules(text)))


DEFAULT_ROLES: tuple[DefaultRole, ...] = (
    DefaultRole("Root", "May do everything, everywhere", frozenset(RULES)),
    _role("container", "What an algorithm container may do", _CONTAINER),
    _role("node", "What a node may do", _CONTAINER, _NODE),
    _role("Viewer", "May look at the own organization and its collaborations", _VIEWER),
    _role("Researcher", "May also run analyses", _VIEWER, _RESEARCHER),
    _role(
        "Organization Admin",
        "May manage the own organization, its users and nodes",
        _VIEWER,
        _ORGANIZATION_ADMIN,
    ),
    _role(
        "Collaboration Admin",
        "May also manage the collaboration",
        _VIEWER,
        _ORGANIZATION_ADMIN,
        _COLLABORATION_ADMIN,
    ),
)
IDENTITY_ROLES = frozenset({"container", "node"})
"""Built-in roles that are not for users."""


class Permissions:
    """The rules of one actor, asked by resource, operation and scope."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = frozenset(rules)
        self._widest: dict[tuple[Resource, Operation], Scope] = {}
        for rule in self.rules:
            key = rule.resource, rule.operation
            self._widest[key] = max(self._widest.get(key, rule.scope), rule.scope)

    def has(self, resource: Resource, operation: Operation, scope: Scope) -> bool:
        """Tell whether exactly this rule is held."""
        return Rule(resource, scope, operation) in self.rules

    def widest(self, resource: Resource, operation: Operation) -> Scope | None:
        """Give the widest scope held, or None."""
        return self._widest.get((resource, operation))

    def reaches(self, resource: Resource, operation: Operation, scope: Scope) -> bool:
        """Tell whether the rule is held at this scope or a wider one."""
        widest = self.widest(resource, operation)
        return widest is not None and widest >= scope

    def covers(self, rules: Iterable[Rule]) -> bool:
        """Tell whether the actor holds every given rule at its scope or wider, and so may hand it on."""
        return all(self.reaches(rule.resource, rule.operation, rule.scope) for rule in rules)
