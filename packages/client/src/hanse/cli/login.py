"""Log in at a server, with a password or through a provider, and remember it.

The password is asked for, or read from a file or from the environment variable HANSE_PASSWORD. It is never an
argument, since those can be seen by every user of a machine, and it is not stored; only the tokens are.
"""

import argparse
import os
import sys
from pathlib import Path


def register(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--server", required=True, metavar="URL", help="address, such as https://hanse.example.org")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="NAME", help="name of the user, who has a password")
    who.add_argument("--provider", metavar="NAME", help="log in at this provider of the server, through a browser")
    parser.add_argument(
        "--device", action="store_true", help="with --provider: show a code for a browser on any machine"
    )
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="read the password from a file; - for standard input"
    )
    parser.add_argument("--mfa-code", metavar="DIGITS", help="code of your second factor, where the server wants one")
    parser.add_argument("--profile", default="default", metavar="NAME", help="name to remember this login by")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="certificate authorities to trust for the server")
    parser.set_defaults(run=log_in)


def log_in(arguments: argparse.Namespace) -> int:
    """Exchange the password for tokens and store these."""
    from hanse import Client
    from hanse.profiles import Profile, save

    password = _password(arguments.password_file) if arguments.user else None
    options = {"mfa_code": arguments.mfa_code, "verify": arguments.ca_file or True}
    with Client(arguments.server, arguments.user, password, **options) as client:
        if arguments.provider:
            user = client.log_in_with(arguments.provider, device=arguments.device or None)
        else:
            user = client.login()
        tokens = client.session.tokens
        assert tokens is not None  # noqa: S101
        path = save(arguments.profile, Profile(arguments.server, user.username, tokens, _absolute(arguments.ca_file)))
    print(f"logged in at {client.url} as {user.username}; tokens are in {path}")
    return 0


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.resolve())


def _password(file: Path | None) -> str:
    if file is not None:
        text = sys.stdin.read() if str(file) == "-" else _read(file)
        return text.removesuffix("\n").removesuffix("\r")
    if (given := os.environ.get("HANSE_PASSWORD")) is not None:
        return given
    from getpass import getpass

    return getpass("password: ")


def _read(file: Path) -> str:
    from hanse_core.errors import Invalid

    try:
        return file.read_text()
    except OSError as error:
        raise Invalid(f"the password file cannot be read: {error}") from error
