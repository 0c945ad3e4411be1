"""Measure, print a table, and write build/bench.json.

python -m benchmarks [--only NAME …]
"""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import command, federation, server, station
from benchmarks.figures import Figure

BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {
    "help": command.help_text,
    "tasks": federation.tasks,
    "demo": federation.demo,
    "server": server.server,
    "station": station.station,
}
OUTPUT = Path("build/bench.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what is promised.")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), help="only these")
    figures: list[Figure] = []
    for name in parser.parse_args().only:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        figures += BENCHMARKS[name]()
    print(table(figures))
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps({"machine": machine(), "figures": [figure.as_json() for figure in figures]}, indent=1))
    print(f"\nwritten to {OUTPUT}")
    return 0


def table(figures: list[Figure]) -> str:
    """Lay the figures out; a figure that misses what was asked says so, and nothing hides it."""
    rows = [
        ("figure", "min", "median", "max", "unit", "asked", "", "x yardstick"),
        *(figure.row() for figure in figures),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def machine() -> dict[str, str]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, timeout=10)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or "unknown",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


if __name__ == "__main__":
    sys.exit(main())
