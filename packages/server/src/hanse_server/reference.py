"""The reference pages that are written from the code: settings and permissions."""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from hanse_core.permissions import DEFAULT_ROLES, RULE_IDS
from hanse_server.authorization import IDENTITIES, OPEN, ROUTES, Answer, Route, Whose
from hanse_server.settings import PREFIX, Settings

SETTINGS_HEAD = """\
# Settings of the server

Generated from the settings themselves (`make generate`).

Settings come from the command line (`hanse server start --help`), from environment variables, from the YAML file
that `--config` names (or else `hanse-server.yaml` in the current folder), in this order, or have the default below.
A key or a variable `{prefix}…` that names no setting keeps the server from starting.
`hanse server check` tells what is wrong and what to do about it.

An SQLite database is brought up to the tables of this version at every start; any other by `hanse server migrate`,
after a backup. A database that is not a Hanse server's, or that a newer version made, is refused and left alone.

| setting | variable | kind | default | what it does |
| --- | --- | --- | --- | --- |
"""
KINDS = {
    bool: "true or false",
    float: "number",
    int: "whole number",
    Path: "path",
    SecretStr: "secret text",
    str: "text",
}
PERMISSIONS_HEAD = """\
# Permissions

Generated from the table that the server itself uses (`make generate`).

A rule allows an operation on a kind of object, as far as its scope reaches: one's own, those of one's own organization,
those of all organizations that share a collaboration with it, or all. Users hold the rules of their roles and, beyond
these, rules given directly; nodes and algorithm containers hold those of the roles of that name. The default roles
cannot be changed. Nobody can hand out, or take away, a rule that they do not hold at the same scope or a wider one.

"""
AUTHORIZATION_HEAD = """\
# Who may do what

Generated from the table that the tests hold the server to (`make generate`): every route is asked as every role, about
every kind of object.

Each cell has a sign per line of the column *whose*: the object is one's own (of the own organization; a collaboration
in which it is a member), a partner's (of another organization in the same collaboration), or foreign.

| sign | meaning |
| --- | --- |
| ✓ | done, or shown |
| ✗ | 401 with `code: denied`: it may be seen, but this not be done with it |
| – | 404, exactly as if it did not exist; left out of lists |
| ! | 400: one's own organization cannot be deleted; a foreign task is an unknown one |
| | 403: the route is not for this kind of identity |

Roles other than these hold other rules (see [permissions](permissions.md)), by which the same is decided. Beyond the
rules, some routes look at what a request is about: nobody hands on rights that they do not hold, changes their own
roles, or has a container act for another run than its own. Open to all, without log-in: {open}.

"""


def settings_page() -> str:
    """Write the page about the settings."""
    rows = [
        f"| `{name}` | {_variable(name)} | {kind} | {default} | {text} |"
        for name, kind, default, text in _rows(Settings, "")
    ]
    return SETTINGS_HEAD.format(prefix=PREFIX) + "\n".join(rows) + "\n"


def _variable(name: str) -> str:
    return "" if "*" in name else f"`{PREFIX}{name.upper().replace('.', '__')}`"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        inner = _required(field.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _rows(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _kind(inner), _default(field), (field.description or "").replace("\n", " ")
            if item := _item_model(inner):
                yield from _rows(item, f"{prefix}{name}.*.")


def _item_model(annotation: Any) -> type[BaseModel] | None:
    """Give the model of a list's items, or of a mapping's values, if these are settings themselves."""
    models = [one for one in get_args(annotation) if isinstance(one, type) and issubclass(one, BaseModel)]
    return models[0] if get_origin(annotation) in (tuple, dict) and models else None


def _required(annotation: Any) -> Any:
    """Take what a setting is where it is given."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    return next(one for one in get_args(annotation) if one is not NoneType)


def _kind(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return _kind(next(one for one in arguments if one is not NoneType))
    if origin is tuple:
        return "list" if _item_model(annotation) else "list of texts"
    if origin is dict:
        return "mapping"
    return KINDS[annotation]


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if value in (None, (), {}, ""):
        return "none"
    return f"`{', '.join(value)}`" if isinstance(value, tuple) else f"`{value}`"


def permissions_page() -> str:
    """Write the page about rules and roles."""
    names = [role.name for role in DEFAULT_ROLES]
    lines = [
        f"| id | object | operation | scope | {' | '.join(names)} |",
        f"|{' --- |' * (4 + len(names))}",
    ]
    for rule, number in RULE_IDS.items():
        marks = " | ".join("x" if rule in role.rules else " " for role in DEFAULT_ROLES)
        cells = rule.resource.value, rule.operation.name.lower(), rule.scope.name.lower()
        lines.append(f"| {number} | {' | '.join(cells)} | {marks} |")
    roles = [f"- **{role.name}** (id {number}): {role.description}." for number, role in enumerate(DEFAULT_ROLES, 1)]
    return PERMISSIONS_HEAD + "## Default roles\n\n" + "\n".join(roles) + "\n\n## Rules\n\n" + "\n".join(lines) + "\n"


def authorization_page() -> str:
    """Write the page about who may use which route."""
    lines = [f"| route | whose | {' | '.join(IDENTITIES)} |", f"|{' --- |' * (2 + len(IDENTITIES))}"]
    for route in ROUTES:
        whose = "" if route.whose == (Whose.OWN,) else "<br>".join(one.value for one in route.whose)
        cells = " | ".join(_signs(route, identity) for identity in IDENTITIES)
        lines.append(f"| `{route.name}` | {whose} | {cells} |")
    opened = ", ".join(f"`{name}`" for name in sorted(OPEN))
    return AUTHORIZATION_HEAD.format(open=opened) + "\n".join(lines) + "\n"


def _signs(route: Route, identity: str) -> str:
    answers = [route.answer(identity, whose) for whose in route.whose]
    return "" if set(answers) == {Answer.NOT_FOR} else "<br>".join(answer.value for answer in answers)
