"""Log lines in the form that the node and stock clients know: `info > text` on standard output.

The run's log leaves the station when its administrator shares logs: never log rows of the data.
"""

import sys


def info(message: object) -> None:
    """Tell how the work goes on."""
    _write("info", message)


def warn(message: object) -> None:
    """Tell what may make the result other than expected."""
    _write("warn", message)


def error(message: object) -> None:
    """Tell why the run fails; the last such line is the cause that a central function sees."""
    _write("error", message)


def _write(level: str, message: object) -> None:
    sys.stdout.write(f"{level} > {message}\n")
    sys.stdout.flush()
