"""Connection strings of databases elsewhere: where they lead, and the same string leading through a door of the run."""

import re

PORTS = {
    "http": 80, "https": 443, "postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433,
    "sqlserver": 1433, "oracle": 1521,
}  # fmt: skip
"""Where the servers of a scheme listen when its URI does not say."""
_WEB = frozenset({"http", "https"})
_HEAD = r"(?P<head>(?:jdbc:)?(?P<scheme>[A-Za-z][A-Za-z0-9.-]*)(?:\+\w+)?://(?:[^:/?#@]*(?::%s)?@)?)"
_REST = r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>\d{1,5}))?(?P<rest>[/?;#].*)?"
_STRICT = re.compile(_HEAD % "[^@/?#]*" + _REST, re.DOTALL)
_WIDE = re.compile(_HEAD % "[^@]*" + _REST, re.DOTALL)
"""As SQLAlchemy reads it: slashes may be in a password."""


def place(uri: str) -> tuple[str, int] | None:
    """Give host and port to which a connection string leads; None when it names no single host, or no known port."""
    found = _parts(uri)
    if found is None:
        return None
    port = int(found["port"] or PORTS.get(found["scheme"].lower(), 0))
    return (found["v6"] or found["host"], port) if 0 < port < 65536 else None


def rewritten(uri: str, host: str, port: int) -> str:
    """Give the same string with another host and port: user, password, name and options stay.

    A port that the string leaves out, and that its scheme means anyway, stays out.
    """
    found = _parts(uri)
    if found is None:
        return uri
    unsaid = found["port"] is None and port == PORTS.get(found["scheme"].lower())
    return f"{found['head']}{host}{'' if unsaid else f':{port}'}{found['rest'] or ''}"


def _parts(uri: str) -> re.Match[str] | None:
    scheme = uri.removeprefix("jdbc:").partition(":")[0].lower()
    return (_STRICT if scheme in _WEB else _WIDE).fullmatch(uri)
