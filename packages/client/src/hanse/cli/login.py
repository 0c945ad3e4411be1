"""Log in at a server, and remember it.

With a password, through a provider (single sign-on), or with a personal access token. Passwords and tokens are asked
for, or read from a file or from the environment variables HANSE_PASSWORD and HANSE_TOKEN. They are never arguments,
since those can be seen by every user of a machine. The password is not stored; only the tokens are.
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
    who.add_argument(
        "--token", action="store_true", help="with a personal access token, which is asked for or in HANSE_TOKEN"
    )
    parser.add_argument(
        "--device", action="store_true", help="with --provider: show a code for a browser on any machine"
    )
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="read the password from a file; - for standard input"
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="the same for --token")
    parser.add_argument(
        "--mfa-code", metavar="DIGITS", help="code of your second factor; asked for where the server wants one"
    )
    parser.add_argument("--profile", default="default", metavar="NAME", help="name to remember this login by")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="certificate authorities to trust for the server")
    parser.set_defaults(run=log_in)


def log_in(arguments: argparse.Namespace) -> int:
    """Exchange what the user has for tokens and store these."""
    from hanse import Client
    from hanse.profiles import Profile, save

    options = {"mfa_code": arguments.mfa_code, "verify": arguments.ca_file or True}
    password = None
    if arguments.user:
        password = _secret(arguments.password_file, "HANSE_PASSWORD", "password")
    if arguments.token:
        options["token"] = _secret(arguments.token_file, "HANSE_TOKEN", "personal access token")
    with Client(arguments.server, arguments.user, password, **options) as client:
        if arguments.provider:
            user = client.log_in_with(arguments.provider, device=arguments.device or None)
        else:
            user = client.login()
        tokens = client.session.tokens
        assert tokens is not None  # noqa: S101
        path = save(arguments.profile, Profile(arguments.server, user.username, tokens, _absolute(arguments.ca_file)))
    kind = "the token is" if tokens.is_personal else "tokens are"
    print(f"logged in at {client.url} as {user.username}; {kind} in {path}")
    return 0


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.resolve())


def _secret(file: Path | None, variable: str, name: str) -> str:
    if file is not None:
        text = sys.stdin.read() if str(file) == "-" else _read(file, name)
        return text.removesuffix("\n").removesuffix("\r")
    if (given := os.environ.get(variable)) is not None:
        return given
    from getpass import getpass

    try:
        return getpass(f"{name}: ")
    except EOFError as error:
        from hanse_core.errors import Invalid

        raise Invalid(f"no {name} was given; set {variable}, or name a file") from error


def _read(file: Path, name: str) -> str:
    from hanse_core.errors import Invalid

    try:
        return file.read_text()
    except OSError as error:
        raise Invalid(f"the {name} file cannot be read: {error}") from error
