"""The demo: start a federation, ask three questions, and hold the answers against the pooled data."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hanse import Client
from hanse_core.errors import HanseError
from hanse_sandbox import lung, plot
from hanse_sandbox.compare import Comparison, are_equal
from hanse_sandbox.network import Network
from hanse_sandbox.questions import QUESTIONS, Question, curves

POOLED_SECONDS = 120.0


@dataclass
class Report:
    """What the demo found, as `--json` prints it."""

    url: str = ""
    stations: dict[str, int] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    comparisons: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    equal: bool = False


class Demo:
    """One run of the demo; `console` is where people read along."""

    def __init__(self, network: Network, console: Console) -> None:
        self.network = network
        self.console = console
        self.report = Report(url=network.server.url)

    def run(self) -> Report:
        """Do everything, and give what was found. The network keeps running."""
        files = lung.split(self.network.folder)
        pooled = _start_pooled()
        try:
            self._introduce(files)
            self._start(files)
            with self.network.client() as client:
                answers = {question.name: self._ask(client, question) for question in QUESTIONS}
            self._compare(answers, _finish_pooled(pooled))
        finally:
            _end(pooled)
        return self.report

    def _introduce(self, files: dict[str, Path]) -> None:
        self.console.print(f"[bold]Hanse demo[/bold]   {lung.SOURCE}")
        for station in lung.STATIONS:
            with files[station.name].open() as file:
                patients = sum(1 for _ in file) - 1
            self.report.stations[station.name] = patients
            where = f"institutions {station.institutions.start} to {station.institutions.stop - 1}"
            unknown = " and the one patient without an institution" if station.takes_unknown else ""
            self.console.print(f"  station {station.name:<8} {patients:>3} patients of {where}{unknown}")

    def _start(self, files: dict[str, Path]) -> None:
        with self._timed("server"):
            self.network.server.start()
        with self._timed("federate"):
            self.network.federate({name: {"default": path} for name, path in files.items()})
        with self._timed("nodes"):
            self.network.start_nodes()
        seconds = self.report.seconds
        self.console.print(
            f"  one server, three nodes: four processes, up in "
            f"{seconds['server'] + seconds['federate'] + seconds['nodes']:.1f} s; "
            "the patients stay in their station's files\n"
        )

    def _ask(self, client: Client, question: Question) -> Any:
        self.console.print(f"[bold]{question.title}[/bold]")
        with self._timed(question.name):
            (answer,) = client.tasks.run(
                collaboration="demo",
                organizations=[lung.STATIONS[0].name],
                name=question.name,
                image=question.image,
                method=question.method,
                arguments=dict(question.arguments),
                databases=["default"],
                progress=not self.console.quiet,
            )
        self.console.print(f"  answered in {self.report.seconds[question.name]:.1f} s\n")
        self.report.answers[question.name] = answer
        return answer

    def _compare(self, answers: dict[str, Any], pooled: dict[str, Any]) -> None:
        everything: list[Comparison] = []
        for question in QUESTIONS:
            rows = question.compare(answers[question.name], pooled[question.name])
            self.console.print(f"[bold]{question.title}[/bold]", _table(rows), sep="\n")
            if question.name == "survival":
                self.console.print(plot.draw(curves(answers["survival"])), highlight=False)
            self.console.print()
            everything += rows
        self.report.comparisons = [
            {**asdict(row), "difference": row.difference, "equal": row.is_equal} for row in everything
        ]
        self.report.equal = are_equal(everything)
        verdict = "[green]all equal[/green]" if self.report.equal else "[red]NOT all equal[/red]"
        worst = max(row.difference for row in everything)
        self.console.print(f"{len(everything)} numbers, {verdict} (largest relative difference {worst:.1e})")

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.report.seconds[name] = round(time.perf_counter() - begin, 3)


def _table(rows: list[Comparison]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("")
    for heading in ("federated", "pooled", ""):
        table.add_column(heading, justify="right")
    for row in rows:
        mark = "[green]=[/green]" if row.is_equal else f"[red]differs by {row.difference:.1e}[/red]"
        table.add_row(row.name, f"{row.federated:.6g}", f"{row.pooled:.6g}", mark)
    return table


def _start_pooled() -> subprocess.Popen[bytes]:
    """Begin with the pooled answers right away: the packages that give them take seconds to import."""
    from importlib.resources import files

    data = files("hanse_sandbox") / "data" / "lung.csv"
    command = [sys.executable, "-m", "hanse_sandbox.pooled", str(data)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _finish_pooled(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    output, complaint = process.communicate(timeout=POOLED_SECONDS)
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        remedy = "the pooled comparison needs hanse-sandbox[reference]"
        raise HanseError(f"the pooled numbers could not be computed ({remedy}): {' '.join(last)}")
    answers: dict[str, Any] = json.loads(output)
    return answers


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate()
