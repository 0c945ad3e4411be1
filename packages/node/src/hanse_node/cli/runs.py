"""`hanse node status | logs | stop | journal | ls` and `hanse node run ls | show | kill`."""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hanse_node.settings import Settings

NOT_RUNNING = 3
STOP_SECONDS = 60.0


def register(commands: Any, chosen: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the sub-commands."""
    status = commands.add_parser(
        "status", help="say whether the node works, and at what; exit code 3 if it does not run"
    )
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(run=_status)
    stop = commands.add_parser(
        "stop", help="stop the node; running algorithms survive that, unless on_stop says otherwise"
    )
    stop.set_defaults(run=_stop)
    logs = commands.add_parser("logs", help="show the log of the node, or what a run has printed, also an ended one")
    logs.add_argument("--run", dest="run_id", type=int, metavar="ID", help="the run")
    logs.add_argument("-n", "--lines", type=int, default=100, help="how many lines of its end (100)")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with new lines until Ctrl-C")
    logs.set_defaults(run=_logs)
    journal = commands.add_parser("journal", help="show what this node decided")
    journal.add_argument("--json", action="store_true", help="one JSON object per line")
    journal.set_defaults(run=_journal)
    listed = commands.add_parser("ls", help="name the nodes that are configured on this machine")
    listed.set_defaults(run=_ls)
    for command in (status, stop, logs, journal):
        chosen(command)
    run = commands.add_parser("run", help="see and end the runs of this node")
    _register_run(run.add_subparsers(title="commands", metavar="COMMAND", required=True), chosen)


def _register_run(commands: Any, chosen: Callable[[argparse.ArgumentParser], None]) -> None:
    listing = commands.add_parser("ls", help="list the runs that are not done yet")
    listing.set_defaults(run=_run_ls)
    show = commands.add_parser("show", help="show one run and all that was decided about it")
    show.set_defaults(run=_run_show)
    kill = commands.add_parser("kill", help="end a run; who asked for it is told that the administrator did")
    kill.set_defaults(run=_run_kill)
    for command in (show, kill):
        command.add_argument("run_id", type=int, metavar="ID", help="the run")
    for command in (listing, show):
        command.add_argument("--json", action="store_true", help="one JSON object per line")
    for command in (listing, show, kill):
        chosen(command)


def _settings(arguments: argparse.Namespace) -> "Settings":
    from hanse_node import places

    return places.settings_of(arguments.config, arguments.name)


def _ask(settings: "Settings", **request: object) -> Any:
    from hanse_node import control

    return control.ask(settings.directory / "control", request)


def _status(arguments: argparse.Namespace) -> int:
    from hanse_core.errors import Unavailable

    settings = _settings(arguments)
    try:
        state = _ask(settings, do="status")
    except Unavailable as error:
        state = {"node": settings.name, "state": "not running", "cause": error.message}
    if arguments.json:
        print(json.dumps(state))
    else:
        for key, value in state.items():
            print(f"{key.replace('_', ' '):<14} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return NOT_RUNNING if state["state"] == "not running" else 0


def _stop(arguments: argparse.Namespace) -> int:
    from hanse_core.errors import Unavailable

    settings = _settings(arguments)
    _ask(settings, do="stop")
    deadline = time.monotonic() + STOP_SECONDS
    while (settings.directory / "control").exists():
        if time.monotonic() > deadline:
            raise Unavailable(f"the node was told to stop, but still runs after {STOP_SECONDS:.0f} s")
        time.sleep(0.05)
    print(f"node '{settings.name}' has stopped")
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    if arguments.run_id is not None:
        return _follow_run(settings, arguments.run_id, arguments.follow)
    return _follow_file(settings.directory / "node.log", arguments.lines, arguments.follow)


def _follow_run(settings: "Settings", run_id: int, follow: bool) -> int:
    shown = 0
    while True:
        text, is_over = _printed(settings, run_id)
        print(text[shown:], end="", flush=True)
        shown = len(text)
        if is_over or not follow:
            return 0
        time.sleep(0.5)


def _printed(settings: "Settings", run_id: int) -> tuple[str, bool]:
    """Give what a run has printed, and whether that is all: then it is in a file."""
    from hanse_core.errors import HanseError, NotFound
    from hanse_node.kept_logs import KeptLogs

    kept = KeptLogs.of(settings).path(run_id)
    if kept.exists():
        return kept.read_text(errors="replace"), True
    try:
        return str(_ask(settings, do="log", run=run_id)), False
    except HanseError as error:
        if kept.exists():
            return kept.read_text(errors="replace"), True
        raise NotFound(
            f"{error.message}, and there is no {kept}: it printed nothing, was never started here, or its log was "
            "removed for its age or size (run_logs)"
        ) from error


def _follow_file(path: Path, lines: int, follow: bool) -> int:
    from hanse_core.errors import NotFound

    try:
        handle = path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotFound(f"there is no log of this node at {path}: {error.strerror}") from error
    with handle:
        print("".join(handle.readlines()[-lines:]), end="", flush=True)
        while follow:
            if more := handle.read():
                print(more, end="", flush=True)
            else:
                time.sleep(0.5)
    return 0


def _ls(_: argparse.Namespace) -> int:
    from hanse_node import places

    for name, path in sorted(places.configured().items()):
        print(f"{name:<20} {path}")
    return 0


def _journal(arguments: argparse.Namespace) -> int:
    for line in _decisions(_settings(arguments)):
        print(json.dumps(line) if arguments.json else _readable(line))
    return 0


def _run_ls(arguments: argparse.Namespace) -> int:
    from hanse_node.journal import Journal

    with Journal(_journal_of(_settings(arguments))) as journal:
        for run, offer in journal.unfinished():
            facts = {
                "run": run.run_id, "phase": run.phase.value, "task": offer.task_id, "job": offer.job_id,
                "image": offer.image, "user": offer.init_user, "organization": offer.init_org,
                "databases": [choice.label for choice in offer.databases], "killed": run.killed,
            }  # fmt: skip
            print(json.dumps(facts) if arguments.json else _words(facts))
    return 0


def _run_show(arguments: argparse.Namespace) -> int:
    from hanse_core.errors import NotFound
    from hanse_node.kept_logs import KeptLogs

    settings = _settings(arguments)
    lines = [line for line in _decisions(settings) if line["run_id"] == arguments.run_id]
    if not lines:
        raise NotFound(f"this node knows nothing of run {arguments.run_id}")
    for line in lines:
        print(json.dumps(line) if arguments.json else _readable(line))
    if (kept := KeptLogs.of(settings).path(arguments.run_id)).exists():
        print(json.dumps({"run_id": arguments.run_id, "log": str(kept)}) if arguments.json else f"log: {kept}")
    return 0


def _run_kill(arguments: argparse.Namespace) -> int:
    _ask(_settings(arguments), do="kill", run=arguments.run_id)
    print(f"run {arguments.run_id} is being ended")
    return 0


def _decisions(settings: "Settings") -> Iterator[dict[str, Any]]:
    from hanse_node.journal import Journal

    with Journal(_journal_of(settings)) as journal:
        yield from journal.decisions()


def _journal_of(settings: "Settings") -> Path:
    from hanse_core.errors import NotFound

    path = settings.directory / "journal.sqlite"
    if not path.exists():
        raise NotFound(f"there is no journal yet: {path}")
    return path


def _readable(line: dict[str, Any]) -> str:
    facts = {key: value for key, value in line.items() if value is not None and key not in ("at", "event")}
    return f"{line['at']} {line['event']:<9} {_words(facts)}"


def _words(facts: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in facts.items())
