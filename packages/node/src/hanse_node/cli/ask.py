"""Questions at a terminal; without one, the flag that would have answered is named."""

import sys

from hanse_core.errors import Invalid


def ask(question: str, flag: str, default: str | None = None) -> str:
    """Ask for one answer. Raises `Invalid` naming the flag where nobody can be asked."""
    if not sys.stdin.isatty():
        if default is None:
            raise Invalid(f"{flag} is missing, and there is nobody to ask")
        return default
    shown = f" [{default}]" if default else ""
    while True:
        answer = input(f"{question}{shown}: ").strip() or (default or "")
        if answer or default is not None:
            return answer


def ask_list(question: str) -> list[str]:
    """Ask for several answers on one line; none where nobody can be asked."""
    if not sys.stdin.isatty():
        return []
    return [part for part in input(f"{question} (blanks between, or nothing): ").split() if part]
