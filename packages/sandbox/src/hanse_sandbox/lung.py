"""The NCCTG lung-cancer trial, split by enrolling institution into three stations.

The data is real (see `data/README.md`); the stations are named after Hanseatic cities and are not: each
stands for a group of the trial's institutions.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

SOURCE = "NCCTG lung-cancer trial, 228 patients (Loprinzi et al., J Clin Oncol 1994)"


@dataclass(frozen=True, slots=True)
class Station:
    """One data station of the demo and the institutions whose patients it holds."""

    name: str
    institutions: range
    takes_unknown: bool = False
    """Whether the one patient without an institution is here."""

    def holds(self, institution: str) -> bool:
        """Tell whether a patient enrolled by this institution (as the file spells it) belongs here."""
        return int(float(institution)) in self.institutions if institution else self.takes_unknown


STATIONS = (
    Station("bremen", range(1, 6)),
    Station("hamburg", range(6, 13)),
    Station("luebeck", range(13, 34), takes_unknown=True),
)


def pooled_rows() -> tuple[list[str], list[list[str]]]:
    """Give the header and all rows of the trial, as text."""
    text = (files("hanse_sandbox") / "data" / "lung.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text))
    return header, rows


def split(folder: Path, stations: Sequence[Station] = STATIONS) -> dict[str, Path]:
    """Write one CSV file for each station; every patient is in exactly one."""
    header, rows = pooled_rows()
    paths = {}
    for station in stations:
        paths[station.name] = folder / f"{station.name}.csv"
        with paths[station.name].open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(row for row in rows if station.holds(row[0]))
    return paths
