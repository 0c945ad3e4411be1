"""`hanse node unit`: a systemd unit for one node of this machine."""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hanse_node.settings import Settings

_TEXT = """\
[Unit]
Description=Hanse data station {name}
Wants=network-online.target
After=network-online.target{engine}
StartLimitIntervalSec=0

[Service]
User={user}
ExecStart={command}
Restart=on-failure
RestartSec=30
# Only the node is stopped; algorithms go on, and the next start takes them up.
KillMode=process
TimeoutStopSec=60

# What the node cannot do here, because it never has to.
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={writable}
ProtectHome=read-only
ProtectClock=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
{confined}
[Install]
WantedBy=multi-user.target
"""
_CONFINED = """\
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
"""
"""Not for the process runtime: its sandbox makes namespaces of its own."""


def register(commands: Any, chosen: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the sub-command."""
    unit = commands.add_parser("unit", help="print a systemd unit for the node")
    unit.add_argument("--user", default="root", help="as whom it runs (root)")
    unit.set_defaults(run=_unit)
    chosen(unit)


def _unit(arguments: argparse.Namespace) -> int:
    from hanse_node import places

    settings = places.settings_of(arguments.config, arguments.name)
    print(text(settings, arguments.user), end="")
    if not settings.directory.is_dir():
        made = shlex.join(["install", "-d", "-m", "700", "-o", arguments.user, str(settings.directory)])
        print(f"before it starts, the node's folder must be there:  {made}", file=sys.stderr)
    return 0


def text(settings: "Settings", user: str) -> str:
    """Write the unit of a node."""
    docker = settings.runtime == "docker"
    start = [sys.executable, "-m", "hanse_core", "node", "start", "--config", str(settings.source)]
    # /run holds the lock of iptables, which the node takes when it sets its rules.
    writable = [settings.directory, *([Path("/run")] if docker else [])]
    return _TEXT.format(
        name=_quoted(settings.name),
        user=user,
        engine=" docker.service" if docker else "",
        command=" ".join(map(_quoted, [*start, "--name", settings.name])),
        writable=" ".join(_quoted(str(path)) for path in writable),
        confined=_CONFINED if docker else "",
    )


def _quoted(word: str) -> str:
    """Write a word so that systemd takes it as it is."""
    word = word.replace("%", "%%").replace("$", "$$")
    if any(letter in word for letter in " \t\"'\\"):
        escaped = word.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return word
