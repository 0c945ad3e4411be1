"""The configuration of a v4 server as one of ours: what means the same is taken, what cannot be is named."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hanse_core.errors import Invalid
from hanse_server.configuration import commented, keys_of, model_of, new_secret
from hanse_server.identity.signing import require_strong
from hanse_server.settings import Settings, load
from hanse_server.transfer.report import Report
from hanse_web.db import parsed

TELLING = frozenset({"allow_drop_all", "logging"})
"""Keys that a v4 configuration must have, and ours never has."""
SHORTEST_HOURS = 0.5
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "critical": "error",
    "none": "error",
}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "smtp": {"server": "localhost", "port": 1025, "email_from": "noreply@vantage6.ai"},
    "large_result_store": {"type": "azure"},
}
"""What v4 takes for granted where ours must be told."""
DROPPED = {
    "description": "it meant nothing to the server either",
    "allow_drop_all": "tables are never dropped here",
    "debug": "set log_level to debug instead",
    "ui": "the web interface is started by itself; name its address in cors_allowed_origins",
    "algorithm_stores": "couple each with `hanse server store add URL`",
    "prometheus": "this server has no exporter for node metrics",
    "prometheus_port": "this server has no exporter for node metrics",
    "additional_node_images": "images are chosen at the nodes",
    "images": "the server does not choose the images of others",
    "rabbitmq": "servers that share one PostgreSQL database tell each other through it, without a broker",
}
"""What is not carried, and why."""
LOGGING_DROPPED = "logs go to standard error, where systemd, Docker or a pipe takes them"


def translate(data: Mapping[str, Any], database: str) -> tuple[str, Report]:
    """Give the text of our configuration and what is to be said about it."""
    report = Report()
    given: dict[str, Any] = {"uri": database}
    for name, value in data.items():
        if name == "uri":
            _note_database(str(value), database, report)
        elif name == "logging":
            _take_logging(value, given, report)
        elif value is not None and name in Settings.model_fields and name not in DROPPED:
            given[name] = _known_part(name, value, report)
        elif value is not None:
            report.note(
                f"`{name}` was not carried: {DROPPED.get(name, 'v4.15 has no such setting, nor has this server')}"
            )
    _mend_secret(given, report)
    _mend_lives(given, report)
    _drop_invalid(given, report)
    report.counts = {"settings carried": len(given)}
    return commented(given), report


def _note_database(former: str, database: str, report: Report) -> None:
    url = parsed(former)
    shown = url.render_as_string(hide_password=True)
    relative = ""
    if url.get_backend_name() == "sqlite" and not (url.database or "").startswith("/"):
        relative = " (a path relative to the data folder of the v4 server: write it in full)"
    report.note(
        f"the database of the v4 server stays what it is; bring its content over with `hanse server import {shown} "
        f"--config FILE`{relative}"
    )
    if url.get_backend_name() != "sqlite" and parsed(database).get_backend_name() == "sqlite":
        report.note(
            "the v4 server used PostgreSQL; the new `uri` is an SQLite file: for real use set it to a new, empty "
            "PostgreSQL database (--database)"
        )


def _take_logging(value: Any, given: dict[str, Any], report: Report) -> None:
    logging = value if isinstance(value, Mapping) else {}
    level = str(logging.get("level", "info")).lower()
    given["log_level"] = LEVELS.get(level, "info")
    others = sorted(f"logging.{name}" for name in logging if name != "level")
    report.note(f"not carried, as {LOGGING_DROPPED}", others)


def _known_part(name: str, value: Any, report: Report) -> Any:
    """Take of a group of settings those that exist here, and what v4 takes for granted."""
    model = model_of(Settings.model_fields[name].annotation)
    if model is None or not isinstance(value, Mapping):
        return value
    known = keys_of(model)
    report.note(
        "not carried, as this server has no such setting", [f"{name}.{key}" for key in value if key not in known]
    )
    present = {key: one for key, one in value.items() if key in known and one is not None}
    return {**DEFAULTS.get(name, {}), **present}


def _mend_secret(given: dict[str, Any], report: Report) -> None:
    secret = given.get("jwt_secret_key")
    try:
        if secret is None:
            raise Invalid("none")
        require_strong(str(secret))
    except Invalid:
        given["jwt_secret_key"] = new_secret()
        why = "is too weak" if secret else "was not set, and v4 made one up at every start"
        report.note(f"`jwt_secret_key` {why}: the new configuration has a fresh one, so everybody logs in once more")
    else:
        given["jwt_secret_key"] = str(secret)


def _mend_lives(given: dict[str, Any], report: Report) -> None:
    """Where v4 uses its default instead of a value that is too small, so do we."""
    for name in ("token_expires_hours", "refresh_token_expires_hours"):
        try:
            if name in given and float(given[name]) < SHORTEST_HOURS:
                raise ValueError
        except (TypeError, ValueError):
            report.note(f"`{name}` was not carried: v4 ignores a value like {given.pop(name)!r}, and uses its default")


def _drop_invalid(given: dict[str, Any], report: Report) -> None:
    """Leave out what this server would refuse, and say why."""
    while wrong := _refused(given):
        for name, texts in wrong.items():
            given.pop(name, None)
            report.note(f"`{name}` was not carried, set it by hand: {'; '.join(texts)}")


def _refused(given: Mapping[str, Any]) -> dict[str, list[str]]:
    with tempfile.TemporaryDirectory(prefix="hanse-") as folder:
        file = Path(folder) / "configuration.yaml"
        file.write_text(yaml.safe_dump(dict(given)), encoding="utf-8")
        try:
            load(file)
        except Invalid as error:
            return _by_setting(error, given)
    return {}


def _by_setting(error: Invalid, given: Mapping[str, Any]) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    for where, texts in error.errors.items():
        name = where.partition(".")[0]
        if name not in given:
            # A rule about several settings names none of them; only those about lives are of that kind.
            name = next((one for one in ("refresh_token_expires_hours", "token_expires_hours") if one in given), name)
        if name not in given:
            raise error
        wrong.setdefault(name, []).extend(texts)
    if not wrong:
        raise error
    return wrong
