"""The shell command."""

import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure, bare_python, seconds


def help_text() -> list[Figure]:
    """Start to end of `hanse --help`."""
    hanse = Path(sys.executable).with_name("hanse")

    def ask() -> None:
        subprocess.run([hanse, "--help"], check=True, capture_output=True, timeout=30)

    milliseconds = [1000 * value for value in seconds(ask, times=20)]
    return [Figure("hanse --help", "ms", milliseconds, asked=150, yardstick=1000 * bare_python())]
