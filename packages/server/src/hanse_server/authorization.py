"""Who may do what: every route, by role and by whose the object is.

The page of the documentation is written from this table, and the tests hold the server to it. It says by the rules of
`hanse_core.permissions` alone what the services decide by theirs; nothing of the server reads it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from hanse_core.permissions import DEFAULT_ROLES, Operation, Permissions, Resource, Scope

NOBODY = "no role"
USERS = (NOBODY, "Viewer", "Researcher", "Organization Admin", "Collaboration Admin", "Root")
"""What a user may be; `no role` holds no rule at all."""
IDENTITIES = (*USERS, "node", "container")
HELD = {NOBODY: Permissions(()), **{role.name: Permissions(role.rules) for role in DEFAULT_ROLES}}
CREATE, DELETE, EDIT, SEND, VIEW = Operation.CREATE, Operation.DELETE, Operation.EDIT, Operation.SEND, Operation.VIEW
NODE, COLLABORATION, ORGANIZATION = Resource.NODE, Resource.COLLABORATION, Resource.ORGANIZATION
TASK, RUN, USER, ROLE, STUDY, EVENT = (
    Resource.TASK, Resource.RUN, Resource.USER, Resource.ROLE, Resource.STUDY, Resource.EVENT,
)  # fmt: skip


class Whose(Enum):
    """Whose the object of a request is, seen from who asks."""

    SELF = "oneself"
    OWN = "own"
    """Of the own organization; for collaborations: one's organization is a member."""
    PARTNER = "partner"
    """Of another organization in the same collaboration."""
    FOREIGN = "foreign"
    """Of an organization, or a collaboration, that one has nothing to do with."""


ORGANIZATIONAL = (Whose.OWN, Whose.PARTNER, Whose.FOREIGN)
COLLABORATIVE = (Whose.OWN, Whose.FOREIGN)
PERSONAL = (Whose.SELF, *ORGANIZATIONAL)
ANY = (Whose.OWN,)
"""For routes that are about no object, or about what is open to all."""


class Answer(Enum):
    """How a request ends; the values are the signs in the documentation."""

    DONE = "✓"
    DENIED = "✗"
    """401 with `code: denied`: it may be seen, but not this be done with it."""
    HIDDEN = "–"
    """404, exactly as if it did not exist; left out of lists."""
    INVALID = "!"
    """400: allowed by the rules, but not possible."""
    NOT_FOR = " "
    """403: the route is not for this kind of identity."""


Judge = Callable[[Permissions, Whose], Answer]


@dataclass(frozen=True)
class Route:
    """One route, and how a request to it is judged."""

    method: str
    path: str
    judge: Judge
    whose: Sequence[Whose] = ORGANIZATIONAL
    identities: str = "user"
    """Which kinds of identity it is for: some of `user node container`."""
    is_list: bool = False
    """Whether `HIDDEN` means that the object is not among those listed."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def answer(self, identity: str, whose: Whose) -> Answer:
        """Say how a request of this identity ends."""
        kind = identity if identity in ("node", "container") else "user"
        return self.judge(HELD[identity], whose) if kind in self.identities.split() else Answer.NOT_FOR


def reaches(held: Permissions, resource: Resource, operation: Operation, whose: Whose) -> bool:
    """Tell whether the rules held cover something of an organization."""
    return (
        held.has(resource, operation, Scope.GLOBAL)
        or (held.has(resource, operation, Scope.COLLABORATION) and whose is not Whose.FOREIGN)
        or (held.has(resource, operation, Scope.ORGANIZATION) and whose in (Whose.OWN, Whose.SELF))
        or (held.has(resource, operation, Scope.OWN) and whose is Whose.SELF)
    )


def _or_denied(is_allowed: bool) -> Answer:
    return Answer.DONE if is_allowed else Answer.DENIED


def anybody(held: Permissions, whose: Whose) -> Answer:
    """Judge what everybody may."""
    return Answer.DONE


def viewing(resource: Resource) -> Judge:
    """Judge looking at one object."""
    return acting(resource, VIEW)


def acting(resource: Resource, operation: Operation, on: Resource | None = None) -> Judge:
    """Judge doing something with an object that one may view; `on` is its kind where the rule is about another."""

    def judge(held: Permissions, whose: Whose) -> Answer:
        is_visible = whose is Whose.SELF or reaches(held, on or resource, VIEW, whose)
        return _or_denied(reaches(held, resource, operation, whose)) if is_visible else Answer.HIDDEN

    return judge


def listing(resource: Resource) -> Judge:
    """Judge a list: refused without any rule, and otherwise of what one may view."""

    def judge(held: Permissions, whose: Whose) -> Answer:
        return Answer.DENIED if held.widest(resource, VIEW) is None else viewing(resource)(held, whose)

    return judge


def seeing_person(held: Permissions, whose: Whose) -> Answer:
    """Judge looking at a user: always at oneself."""
    return Answer.DONE if whose is Whose.SELF else viewing(USER)(held, whose)


def seeing_role(held: Permissions, whose: Whose) -> Answer:
    """Judge roles, whose list is refused to nobody: one's own role is always in it."""
    return viewing(ROLE)(held, whose)


def globally(resource: Resource, operation: Operation) -> Judge:
    """Judge what only a rule of global scope allows."""
    return lambda held, whose: _or_denied(held.has(resource, operation, Scope.GLOBAL))


def founding(held: Permissions, whose: Whose) -> Answer:
    """Judge taking an organization into a collaboration: it is not asked, so this takes a rule for all of them."""
    if not reaches(held, COLLABORATION, VIEW, whose):
        return Answer.HIDDEN
    return globally(COLLABORATION, EDIT)(held, whose)


def removing_organization(held: Permissions, whose: Whose) -> Answer:
    """Judge the end of an organization: nobody ends the own one."""
    if not reaches(held, ORGANIZATION, VIEW, whose):
        return Answer.HIDDEN
    if not held.has(ORGANIZATION, DELETE, Scope.GLOBAL):
        return Answer.DENIED
    return Answer.INVALID if whose is Whose.OWN else Answer.DONE


def within(operation: Operation, resource: Resource = COLLABORATION) -> Judge:
    """Judge something about a collaboration as a whole: organization scope suffices for viewing only."""

    def judge(held: Permissions, whose: Whose) -> Answer:
        if not reaches(held, COLLABORATION, VIEW, whose):
            return Answer.HIDDEN
        if operation is VIEW:
            return Answer.DONE
        return _or_denied(_for_collaboration(held, resource, operation, whose))

    return judge


def _for_collaboration(held: Permissions, resource: Resource, operation: Operation, whose: Whose) -> bool:
    return held.has(resource, operation, Scope.GLOBAL) or (
        held.has(resource, operation, Scope.COLLABORATION) and whose is not Whose.FOREIGN
    )


def asking(held: Permissions, whose: Whose) -> Answer:
    """Judge the creation of a task: only in collaborations of one's own, even for Root."""
    if held is HELD["container"]:
        return Answer.DONE if whose is Whose.OWN else Answer.HIDDEN
    if not reaches(held, COLLABORATION, VIEW, whose):
        return Answer.HIDDEN
    return _or_denied(whose is Whose.OWN and _for_collaboration(held, TASK, CREATE, whose))


def killing(held: Permissions, whose: Whose) -> Answer:
    """Judge killing a task: by the collaboration."""
    if not reaches(held, TASK, VIEW, whose):
        return Answer.HIDDEN
    return _or_denied(_for_collaboration(held, EVENT, SEND, whose))


def joining_node(held: Permissions, whose: Whose) -> Answer:
    """Judge putting a node into, or out of, a collaboration of its organization and of the actor's."""
    if not reaches(held, COLLABORATION, VIEW, Whose.OWN):
        return Answer.HIDDEN
    if not _for_collaboration(held, COLLABORATION, EDIT, Whose.OWN):
        return Answer.DENIED
    # A node in no collaboration is seen by its own organization only.
    if whose is not Whose.OWN and not held.has(NODE, VIEW, Scope.GLOBAL):
        return Answer.HIDDEN
    return _or_denied(reaches(held, NODE, EDIT, whose))


def creating(resource: Resource) -> Judge:
    """Judge making something for an organization that one may view."""

    def judge(held: Permissions, whose: Whose) -> Answer:
        if whose is not Whose.OWN and not reaches(held, ORGANIZATION, VIEW, whose):
            return Answer.HIDDEN
        return _or_denied(reaches(held, resource, CREATE, whose))

    return judge


def creating_node(held: Permissions, whose: Whose) -> Answer:
    """Judge making a node: in a collaboration and for an organization that one may view."""
    if not (reaches(held, COLLABORATION, VIEW, _collaboration_of(whose)) and reaches(held, ORGANIZATION, VIEW, whose)):
        return Answer.HIDDEN
    return _or_denied(reaches(held, NODE, CREATE, whose))


def _collaboration_of(whose: Whose) -> Whose:
    return Whose.FOREIGN if whose is Whose.FOREIGN else Whose.OWN


def reporting(held: Permissions, whose: Whose) -> Answer:
    """Judge what a node says of runs: only of its own."""
    return {Whose.OWN: Answer.DONE, Whose.PARTNER: Answer.DENIED}.get(whose, Answer.HIDDEN)


def acting_for_task(held: Permissions, whose: Whose) -> Answer:
    """Judge asking for a container's token: for runs of one's own; a task that may not be seen is an invalid one."""
    return {Whose.OWN: Answer.DONE, Whose.PARTNER: Answer.DENIED}.get(whose, Answer.INVALID)


def uploading(held: Permissions, whose: Whose) -> Answer:
    """Judge sending a blob: it becomes an input, so users need what creating a task needs."""
    if held in (HELD["node"], HELD["container"]):
        return Answer.DONE
    return _or_denied(held.reaches(TASK, CREATE, Scope.COLLABORATION))


def holding(of_own: Answer) -> Judge:
    """Judge who else may log in as a user: what is so for oneself, and for others as for changing them."""
    return lambda held, whose: of_own if whose is Whose.SELF else acting(USER, EDIT)(held, whose)


def inviting_people(held: Permissions, whose: Whose) -> Answer:
    """Judge an invitation of a person: seen and withdrawn by those who may create users there."""
    return Answer.DONE if reaches(held, USER, CREATE, whose) else Answer.HIDDEN


def listing_invited_people(held: Permissions, whose: Whose) -> Answer:
    """Judge their list: refused to those who may not create users at all."""
    return Answer.DENIED if held.widest(USER, CREATE) is None else inviting_people(held, whose)


def inviting_organizations(held: Permissions, whose: Whose) -> Answer:
    """Judge an invitation into a collaboration, of an organization that is not one's own."""
    return Answer.DONE if _for_collaboration(held, COLLABORATION, EDIT, whose) else Answer.HIDDEN


def answering(held: Permissions, whose: Whose) -> Answer:
    """Judge the answer to an invitation: of one's own organization, or only seen by those who invite."""
    if whose is Whose.OWN:
        return Answer.DONE if reaches(held, ORGANIZATION, EDIT, whose) else Answer.HIDDEN
    return Answer.DENIED if _for_collaboration(held, COLLABORATION, EDIT, Whose.OWN) else Answer.HIDDEN


OPEN = {
    "GET /version", "GET /health", "POST /token/user", "POST /token/node", "POST /token/refresh",
    "POST /recover/lost", "POST /recover/reset", "POST /recover/2fa/lost", "POST /recover/2fa/reset",
    "POST /invitation/user/view", "POST /invitation/user/accept", "POST /invitation/user/decline",
    "GET /oidc", "POST /oidc/{name}/start", "POST /oidc/{name}/finish", "POST /oidc/{name}/second_factor",
    "POST /oidc/{name}/device", "POST /oidc/{name}/device/finish",
}  # fmt: skip
"""Routes that need no log-in, or prove who asks by themselves."""
ALL, PEERS = "user node container", "user node"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/organization", listing(ORGANIZATION), identities=ALL, is_list=True),
    Route("POST", "/organization", globally(ORGANIZATION, CREATE), ANY),
    Route("GET", "/organization/{key}", viewing(ORGANIZATION), identities=ALL),
    Route("PATCH", "/organization/{key}", acting(ORGANIZATION, EDIT), identities=PEERS),
    Route("DELETE", "/organization/{key}", removing_organization),
    Route("GET", "/user", listing(USER), is_list=True),
    Route("POST", "/user", creating(USER)),
    Route("GET", "/user/me", anybody, ANY),
    Route("GET", "/user/{key}", seeing_person, PERSONAL),
    Route("PATCH", "/user/{key}", acting(USER, EDIT), PERSONAL),
    Route("DELETE", "/user/{key}", acting(USER, DELETE), PERSONAL),
    Route("GET", "/role", seeing_role, is_list=True),
    Route("POST", "/role", creating(ROLE)),
    Route("GET", "/role/{key}", viewing(ROLE)),
    Route("PATCH", "/role/{key}", acting(ROLE, EDIT)),
    Route("DELETE", "/role/{key}", acting(ROLE, DELETE)),
    Route("POST", "/role/{key}/rule/{rule_id}", acting(ROLE, EDIT)),
    Route("DELETE", "/role/{key}/rule/{rule_id}", acting(ROLE, EDIT)),
    Route("GET", "/rule", anybody, ANY),
    Route("GET", "/rule/{key}", anybody, ANY),
    Route("GET", "/collaboration", listing(COLLABORATION), COLLABORATIVE, PEERS, is_list=True),
    Route("POST", "/collaboration", globally(COLLABORATION, CREATE), ANY),
    Route("GET", "/collaboration/{collaboration_id}", within(VIEW), COLLABORATIVE, ALL),
    Route("PATCH", "/collaboration/{collaboration_id}", within(EDIT), COLLABORATIVE),
    Route("DELETE", "/collaboration/{collaboration_id}", within(DELETE), COLLABORATIVE),
    Route("POST", "/collaboration/{collaboration_id}/organization", founding, COLLABORATIVE),
    Route("DELETE", "/collaboration/{collaboration_id}/organization", within(EDIT), COLLABORATIVE),
    Route("POST", "/collaboration/{collaboration_id}/node", joining_node, (Whose.OWN, Whose.PARTNER)),
    Route("DELETE", "/collaboration/{collaboration_id}/node", within(EDIT), COLLABORATIVE),
    Route("GET", "/study", listing(STUDY), identities=ALL, is_list=True),
    Route("POST", "/study", within(CREATE, STUDY), COLLABORATIVE),
    Route("GET", "/study/{study_id}", viewing(STUDY), identities=ALL),
    Route("PATCH", "/study/{study_id}", acting(STUDY, EDIT)),
    Route("DELETE", "/study/{study_id}", acting(STUDY, DELETE)),
    Route("POST", "/study/{study_id}/organization", acting(STUDY, EDIT)),
    Route("DELETE", "/study/{study_id}/organization", acting(STUDY, EDIT)),
    Route("POST", "/recover/node", acting(NODE, EDIT)),
    Route("GET", "/node", listing(NODE), identities=PEERS, is_list=True),
    Route("POST", "/node", creating_node),
    Route("GET", "/node/{node_id}", viewing(NODE), identities=PEERS),
    Route("PATCH", "/node/{node_id}", acting(NODE, EDIT), identities=PEERS),
    Route("DELETE", "/node/{node_id}", acting(NODE, DELETE)),
    Route("GET", "/task", listing(TASK), identities=ALL, is_list=True),
    Route("POST", "/task", asking, COLLABORATIVE, "user container"),
    Route("GET", "/task/{task_id}", viewing(TASK), identities=ALL),
    Route("DELETE", "/task/{task_id}", acting(TASK, DELETE)),
    Route("GET", "/task/{task_id}/status", viewing(TASK), identities="user container"),
    Route("POST", "/kill/task", killing),
    Route("POST", "/kill/node/tasks", acting(EVENT, SEND, on=NODE)),
    Route("GET", "/run", listing(RUN), identities=ALL, is_list=True),
    Route("GET", "/run/{run_id}", viewing(RUN), identities=ALL),
    Route("PATCH", "/run/{run_id}", reporting, identities="node"),
    Route("GET", "/result", listing(RUN), identities=ALL, is_list=True),
    Route("GET", "/result/{run_id}", viewing(RUN), identities=ALL),
    Route("POST", "/token/container", acting_for_task, identities="node"),
    Route("POST", "/port", reporting, identities="node"),
    Route("DELETE", "/port", reporting, identities="node"),
    Route("POST", "/column", asking, COLLABORATIVE),
    Route("GET", "/algorithmstore", listing(COLLABORATION), COLLABORATIVE, is_list=True),
    Route("POST", "/algorithmstore", within(EDIT), COLLABORATIVE),
    Route("GET", "/algorithmstore/{key}", within(VIEW), COLLABORATIVE, PEERS),
    Route("PATCH", "/algorithmstore/{key}", within(EDIT), COLLABORATIVE),
    Route("DELETE", "/algorithmstore/{key}", within(EDIT), COLLABORATIVE),
    Route("GET", "/vpn", anybody, ANY, "node"),
    Route("POST", "/vpn/update", anybody, ANY, "node"),
    Route("GET", "/vpn/algorithm/addresses", anybody, ANY, "container"),
    Route("GET", "/blobstream/status", anybody, ANY, ALL),
    Route("POST", "/blobstream", uploading, ANY, ALL),
    Route("GET", "/blobstream/{key}", viewing(RUN), identities=ALL),
    Route("POST", "/token/user/validate", anybody, ANY),
    Route("POST", "/token/node/validate", anybody, ANY, "node"),
    Route("PATCH", "/password/change", anybody, ANY),
    Route("POST", "/token/revoke", anybody, ANY),
    Route("GET", "/session", anybody, ANY),
    Route("DELETE", "/session/{session_id}", anybody, ANY),
    Route("GET", "/accesstoken", anybody, ANY),
    Route("POST", "/accesstoken", anybody, ANY),
    Route("DELETE", "/accesstoken/{key}", anybody, ANY),
    Route("GET", "/second_factor", anybody, ANY),
    Route("POST", "/second_factor", anybody, ANY),
    Route("POST", "/second_factor/confirm", anybody, ANY),
    Route("POST", "/second_factor/recovery_codes", anybody, ANY),
    Route("DELETE", "/second_factor", anybody, ANY),
    Route("DELETE", "/user/{key}/second_factor", holding(Answer.DENIED), PERSONAL),
    Route("GET", "/invitation/user", listing_invited_people, is_list=True),
    Route("POST", "/invitation/user", creating(USER)),
    Route("DELETE", "/invitation/user/{key}", inviting_people),
    Route("GET", "/invitation/organization", inviting_organizations, COLLABORATIVE, is_list=True),
    Route("POST", "/invitation/organization", within(EDIT), COLLABORATIVE),
    Route("GET", "/invitation/organization/{key}", inviting_organizations, COLLABORATIVE),
    Route("DELETE", "/invitation/organization/{key}", inviting_organizations, COLLABORATIVE),
    Route("POST", "/invitation/organization/{key}/accept", answering, COLLABORATIVE),
    Route("POST", "/invitation/organization/{key}/decline", answering, COLLABORATIVE),
    Route("POST", "/oidc/{name}/link", anybody, ANY),
    Route("POST", "/oidc/{name}/link/finish", anybody, ANY),
    Route("GET", "/user/{key}/identity", holding(Answer.DONE), PERSONAL),
    Route("POST", "/user/{key}/identity", holding(Answer.DENIED), PERSONAL),
    Route("DELETE", "/user/{key}/identity/{identity_key}", holding(Answer.DONE), PERSONAL),
)
