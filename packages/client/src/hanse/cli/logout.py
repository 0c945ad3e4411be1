"""Log out: end the login at the server, and forget it here.

Other logins go on, unless --everywhere. A personal access token is only forgotten here; it ends with
`client.access_tokens.revoke`.
"""

import argparse
import sys


def register(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--everywhere", action="store_true", help="end all of your logins, on other machines too")
    parser.add_argument("--profile", default="default", metavar="NAME", help="login to end (see `hanse login`)")
    parser.set_defaults(run=log_out)


def log_out(arguments: argparse.Namespace) -> int:
    """End the session, and remove the stored tokens even if the server cannot be told."""
    from hanse import Client
    from hanse.profiles import load, remove
    from hanse_core.errors import HanseError

    profile = load(arguments.profile)
    if profile.tokens.is_personal:
        remove(arguments.profile)
        print(f"the token of {profile.username} at {profile.url} is forgotten here, and still works elsewhere")
        return 0
    try:
        with Client.from_profile(arguments.profile) as client:
            client.logout(everywhere=arguments.everywhere)
    except HanseError as error:
        remove(arguments.profile)
        print(f"hanse: the login is forgotten here, but the server did not end it: {error}", file=sys.stderr)
        return 1
    print(f"logged out {profile.username} at {profile.url}{' everywhere' if arguments.everywhere else ''}")
    return 0
