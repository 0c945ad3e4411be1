"""What the commands share: where the settings are, and reading them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hanse_server.settings import Settings

Commands = argparse._SubParsersAction
CONFIG = Path("hanse-server.yaml")


def add_settings(command: argparse.ArgumentParser) -> None:
    """Add the options that say where the settings and the database are."""
    command.add_argument(
        "--config", type=Path, metavar="FILE", help=f"YAML file with settings (default: {CONFIG}, if it is here)"
    )
    command.add_argument("--database", metavar="URI", help="where the database is (setting uri)")


def settings_of(arguments: argparse.Namespace) -> "Settings":
    """Read the settings, and set the log up as they say; `config` is the file from then on, if there is one."""
    from hanse_server.settings import load
    from hanse_web.logs import configure

    given = {"ip": getattr(arguments, "host", None), "port": getattr(arguments, "port", None)}
    if arguments.config is None and CONFIG.exists():
        arguments.config = CONFIG
    settings = load(arguments.config, uri=arguments.database, **given)
    configure(settings.log_format, settings.log_level)
    return settings
