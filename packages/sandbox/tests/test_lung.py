import csv
from pathlib import Path

from hanse_sandbox.lung import STATIONS, pooled_rows, split


def test_every_patient_is_at_exactly_one_station(tmp_path: Path) -> None:
    header, rows = pooled_rows()
    at_stations: list[list[str]] = []
    for path in split(tmp_path).values():
        with path.open(newline="") as file:
            head, *patients = csv.reader(file)
        assert head == header
        at_stations += patients
    assert len(rows) == 228
    assert sorted(at_stations) == sorted(rows)


def test_the_patient_without_an_institution_is_at_luebeck(tmp_path: Path) -> None:
    files = split(tmp_path)
    without = {
        name: [line for line in path.read_text().splitlines() if line.startswith(",")] for name, path in files.items()
    }
    assert {name: len(lines) for name, lines in without.items()} == {"bremen": 0, "hamburg": 0, "luebeck": 1}


def test_an_institution_is_never_split() -> None:
    _, rows = pooled_rows()
    for institution in {row[0] for row in rows}:
        assert sum(station.holds(institution) for station in STATIONS) == 1
