"""Users, straight in the database: also when nobody can log in any more."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanse_server.cli.options import Commands, add_settings, settings_of

if TYPE_CHECKING:
    from hanse_server.administration import Administration


def register(commands: "Commands[Any]") -> None:
    """Add `user` and what it can do."""
    text = "list and repair accounts, straight in the database"
    user = commands.add_parser("user", help=text, description=f"{text.capitalize()}. The server may run meanwhile.")
    actions = user.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add(actions, "list", _list, "list all users")
    add = _add(actions, "add", _add_user, "add a user", named=True)
    add.add_argument("--email", required=True, metavar="ADDRESS", help="e-mail address")
    add.add_argument("--organization", required=True, metavar="NAME", help="name or id of the organization")
    add.add_argument("--role", action="append", default=[], metavar="NAME", help="a role to give; may be repeated")
    add.add_argument("--firstname", default="", metavar="TEXT")
    add.add_argument("--lastname", default="", metavar="TEXT")
    password = _add(actions, "password", _password, "set a new password, and end all sessions of the user", named=True)
    for command in (add, password):
        source = command.add_mutually_exclusive_group()
        source.add_argument("--generate", action="store_true", help="make up a password and show it once")
        source.add_argument("--password-file", type=Path, metavar="FILE", help="read the password from this file")
    _add(actions, "reset-2fa", _reset_2fa, "forget the second factor, and end all sessions of the user", named=True)
    _add(actions, "unlock", _unlock, "let a user try again who was blocked after wrong passwords", named=True)
    roles = _add(actions, "roles", _roles, "show the roles of a user, and change them", named=True)
    roles.add_argument("--add", action="append", default=[], metavar="NAME", help="a role to give; may be repeated")
    roles.add_argument("--remove", action="append", default=[], metavar="NAME", help="a role to take; may be repeated")


def _add(actions: "Commands[Any]", name: str, run: Any, text: str, *, named: bool = False) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = actions.add_parser(name, help=text, description=f"{text.capitalize()}.")
    if named:
        command.add_argument("username", metavar="USERNAME")
    add_settings(command)
    command.set_defaults(run=run)
    return command


def _open(arguments: argparse.Namespace) -> "Administration":
    from hanse_server.administration import Administration

    return Administration(settings_of(arguments))


def _list(arguments: argparse.Namespace) -> int:
    rows = _open(arguments).users()
    titles = ("ID", "USERNAME", "ORGANIZATION", "ROLES", "2FA", "STATE")
    table = [titles, *((str(r.id), r.username, r.organization, ", ".join(r.roles), r.factor, r.state) for r in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0


def _add_user(arguments: argparse.Namespace) -> int:
    administration = _open(arguments)
    fields = {name: getattr(arguments, name) for name in ("username", "email", "firstname", "lastname")}
    new = administration.draft(fields, arguments.organization, arguments.role)
    password, is_made = _new_password(arguments)
    number = administration.add(new, password)
    print(f"User {arguments.username} is added, with id {number}.")
    _show(password, is_made)
    if not arguments.role:
        print("The user holds no role yet and can do nothing: give one with `hanse server user roles --add`.")
    return 0


def _password(arguments: argparse.Namespace) -> int:
    administration = _open(arguments)
    administration.require(arguments.username)
    password, is_made = _new_password(arguments)
    administration.set_password(arguments.username, password)
    print(f"{arguments.username} has a new password; all sessions of the user are ended.")
    _show(password, is_made)
    return 0


def _reset_2fa(arguments: argparse.Namespace) -> int:
    had = _open(arguments).reset_second_factor(arguments.username)
    what = "is forgotten; all sessions of the user are ended" if had else "was not set up: nothing to do"
    print(f"The second factor of {arguments.username} {what}.")
    return 0


def _unlock(arguments: argparse.Namespace) -> int:
    _open(arguments).unlock(arguments.username)
    print(f"{arguments.username} can log in again.")
    return 0


def _roles(arguments: argparse.Namespace) -> int:
    names = _open(arguments).change_roles(arguments.username, arguments.add, arguments.remove)
    print(f"{arguments.username} holds {', '.join(names) or 'no role'}.")
    return 0


def _new_password(arguments: argparse.Namespace) -> tuple[str, bool]:
    """Take a password from a file or a prompt, never from the command line; or make one up."""
    import getpass
    import sys

    from hanse_core.errors import Invalid
    from hanse_server.accounts.password_rules import generated_password

    if arguments.generate:
        return generated_password(), True
    if arguments.password_file is not None:
        try:
            return arguments.password_file.read_text(encoding="utf-8").rstrip("\r\n"), False
        except OSError as error:
            raise Invalid(f"the password file {arguments.password_file} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise Invalid(f"the password file {arguments.password_file} is not a text in UTF-8") from error
    if not sys.stdin.isatty():
        raise Invalid("there is nobody to ask for a password; use --generate or --password-file")
    password = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != password:
        raise Invalid("the two passwords differ; nothing was changed")
    return password, False


def _show(password: str, is_made: bool) -> None:
    if is_made:
        print(f"The password is shown only now:\n\n    {password}\n")
