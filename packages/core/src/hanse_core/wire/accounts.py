"""Organizations, users, roles, rules and tokens on the wire."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from hanse_core.wire.base import Body, Id, Ids, Item, Link, Name, Secret, Text128, Text1024


def _strong(password: str) -> str:
    missing = [
        text
        for text, found in (
            ("a digit", any(c in "0123456789" for c in password)),
            ("an upper-case letter", any("A" <= c <= "Z" for c in password)),
            ("a lower-case letter", any("a" <= c <= "z" for c in password)),
            ("a character that is neither letter nor digit", not password.isalnum()),
        )
        if not found
    ]
    if missing:
        raise ValueError(f"must contain {', '.join(missing)}")
    return password


NewPassword = Annotated[Secret, StringConstraints(min_length=8, max_length=128), AfterValidator(_strong)]
Username = Annotated[str, StringConstraints(min_length=3, max_length=128, pattern=r"^[A-Za-z][A-Za-z0-9._-]*$")]
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
Email = Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]
Credential = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class UserLogin(Body):
    username: Credential
    password: Annotated[Credential, Field(repr=False)]
    mfa_code: Annotated[str, StringConstraints(max_length=10, strict=True)] | None = Field(default=None, repr=False)


class PasswordChange(Body):
    current_password: Credential
    new_password: NewPassword


class NodeLogin(Body):
    api_key: Annotated[Secret, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$")]


class ContainerTokenRequest(Body):
    task_id: Id
    image: Annotated[str, StringConstraints(min_length=1)]


class UserTokens(Item):
    access_token: Secret
    refresh_token: Secret
    refresh_url: str
    user_url: str


class NodeTokens(Item):
    access_token: Secret
    refresh_token: Secret
    refresh_url: str
    node_url: str


class ChangedPassword(UserTokens):
    msg: str


class LogOut(Body):
    """Which sessions to end: the one that asks, or all."""

    all: bool = False


class LoginSession(Item):
    """One login of the user who asks."""

    id: str
    method: str
    created_at: str
    last_used_at: str
    ends_at: str
    ip: str
    user_agent: str
    is_current: bool


class AccessTokenCreate(Body):
    """A personal access token for scripts: with some of one's rules, or with all those that only look."""

    name: Name
    rules: Annotated[list[Id], Field(max_length=500)] | None = None
    read_only: bool = False
    days: Annotated[float, Field(gt=0, le=3650)] = 30


class AccessToken(Item):
    id: int
    name: str
    read_only: bool
    rules: list[int]
    created_at: str
    expires_at: str
    last_used_at: str | None
    token: Annotated[str | None, Field(repr=False)] = None
    """The token itself: only in the answer that made it."""


class ValidUser(Item):
    """To whom a token belongs, as it is told to a third party that was shown it."""

    msg: str
    user_id: int
    username: str
    email: str
    organization_id: int


class ContainerToken(Item):
    container_token: Secret


class OrganizationCreate(Body):
    name: Name
    address1: Text128 = ""
    address2: Text128 | None = ""
    zipcode: Text128 = ""
    country: Text128 = ""
    domain: Text128 = ""
    public_key: str = ""


class OrganizationPatch(Body):
    name: Name | None = None
    address1: Text128 | None = None
    address2: Text128 | None = None
    zipcode: Text128 | None = None
    country: Text128 | None = None
    domain: Text128 | None = None
    public_key: str | None = None
    two_factor_required: bool | None = None


class Organization(Item):
    id: int
    name: str
    domain: str = ""
    address1: str = ""
    address2: str | None = None
    zipcode: str = ""
    country: str = ""
    public_key: str = ""
    two_factor_required: bool = Field(default=False, repr=False)
    collaborations: str
    nodes: str
    users: str
    tasks: str
    runs: str
    studies: str


class UserCreate(Body):
    username: Username
    email: Email
    password: NewPassword
    firstname: Text128 = ""
    lastname: Text128 = ""
    organization_id: Id | None = None
    roles: Ids | None = None
    rules: Ids | None = None


class UserPatch(Body):
    username: Username | None = None
    email: Email | None = None
    firstname: Text128 | None = None
    lastname: Text128 | None = None
    organization_id: Id | None = None
    roles: Ids | None = None
    rules: Ids | None = None


class UserPermissions(Item):
    roles: list[int]
    rules: list[int]
    orgs_in_collabs: list[int]


class User(Item):
    id: int
    type: str = "user"
    username: str
    firstname: str | None
    lastname: str | None
    email: str
    status: str | None = None
    ip: str | None = None
    last_seen: str | None = None
    organization: Link | None
    roles: str
    rules: str
    otp_secret: None = None
    last_email_failed_login_sent: str | None = None
    last_email_recover_password_sent: str | None = None


class UserWithPermissions(User):
    """A user with what it may do, as `include_permissions` gives it."""

    permissions: UserPermissions


class RoleCreate(Body):
    name: Name
    rules: Ids
    description: Text1024 = ""
    organization_id: Id | None = None


class RolePatch(Body):
    name: Name | None = None
    rules: Ids | None = None
    description: Text1024 | None = None


class Role(Item):
    id: int
    name: str
    description: str
    is_default_role: bool
    organization: Link | None
    rules: str
    users: str


class Rule(Item):
    id: int
    name: str
    scope: str
    operation: str
    description: str
    users: str
