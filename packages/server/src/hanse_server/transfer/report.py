"""What a transfer did: how many of each kind, and what could not be carried as it was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

SHOWN = 10


def named(items: Sequence[object]) -> str:
    """Name the first few."""
    text = ", ".join(str(item) for item in items[:SHOWN])
    return text if len(items) <= SHOWN else f"{text} and {len(items) - SHOWN} more"


@dataclass
class Report:
    """Collected while a transfer runs, and printed at its end."""

    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def note(self, text: str, items: Sequence[object] | None = None) -> None:
        """Say something that the operator should know; about these items, or not at all when there are none."""
        if items is None:
            self.notes.append(text)
        elif items:
            self.notes.append(f"{text}: {named(items)}")

    def lines(self) -> Iterable[str]:
        """Write it down."""
        width = max((len(f"{number:,}") for number in self.counts.values()), default=0)
        for what, number in self.counts.items():
            yield f"  {number:>{width},}  {what}"
        if self.notes:
            yield ""
            yield "What you should know:"
            yield from (f"- {note}" for note in self.notes)
