"""Logging in at a database and out again, to see whether it lets this station in: nothing is read.

In a process of its own: drivers are large, and may wait long for an answer.
"""

import subprocess
import sys

from hanse_node.columns import engine_of

SECONDS = 15.0
REFUSED, NO_DRIVER = 1, 2


class LogInRefused(Exception):
    """The database does not let us in; the text is the database's own, without the password."""


class NoDriver(Exception):
    """Nothing here can speak to that kind of database; the text says what to install."""


def log_in(uri: str) -> None:
    """Try a connection string as SQLAlchemy reads it. Raises `LogInRefused` or `NoDriver`."""
    command = [sys.executable, "-m", "hanse_node.log_ins"]
    try:
        done = subprocess.run(command, input=uri.encode(), capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise LogInRefused(f"no answer within {SECONDS:.0f} s") from None
    told = done.stdout.decode(errors="replace")
    if done.returncode == NO_DRIVER:
        raise NoDriver(told)
    if done.returncode != 0:
        raise LogInRefused(told or f"the driver ended with {done.returncode}")


def main() -> int:
    """Answer the question on standard input."""
    uri = sys.stdin.read()
    try:
        from sqlalchemy import exc, make_url
    except ModuleNotFoundError as error:
        return _lacks(error)
    try:
        password = make_url(uri).password
    except (exc.ArgumentError, ValueError):
        sys.stdout.write("the connection string cannot be read")
        return REFUSED
    try:
        engine_of(uri).connect().close()
    except (ModuleNotFoundError, exc.NoSuchModuleError) as error:
        return _lacks(error)
    except Exception as error:
        sys.stdout.write(_words(error, password))
        return REFUSED
    return 0


def _lacks(error: Exception) -> int:
    sys.stdout.write(f"the node lacks a driver ({error}): install hanse-node[sql], or that of the database")
    return NO_DRIVER


def _words(error: Exception, password: object) -> str:
    """Give the last line of what the driver says, which tells the cause."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    return lines[-1].replace(str(password), "…") if password else lines[-1]


if __name__ == "__main__":
    sys.exit(main())
