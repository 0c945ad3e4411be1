"""The command takes its sub-commands from what is installed."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from hanse_core import command
from hanse_core.errors import Invalid


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two commands as distributions would bring them."""

    def refuse(_: argparse.Namespace) -> int:
        raise Invalid("the request is refused", errors={"name": ["taken", "too long"]})

    def interrupt(_: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    for name, run in (
        ("greet", lambda namespace: print(f"hello {namespace.whom}")),
        ("refuse", refuse),
        ("stop", interrupt),
    ):
        module = ModuleType(f"hanse_test_{name}", f"{name.capitalize()} somebody.\n\nMore.")
        module.register = lambda parser, run=run: (  # type: ignore[attr-defined]
            parser.add_argument("--whom", default="nobody"),
            parser.set_defaults(run=run),
        )
        monkeypatch.setitem(sys.modules, module.__name__, module)
    entries = [EntryPoint(name, f"hanse_test_{name}", command.GROUP) for name in ("stop", "refuse", "greet")]
    monkeypatch.setattr(command, "entry_points", lambda group: entries)


@pytest.mark.usefixtures("installed")
def test_help_lists_the_commands_with_the_first_line_of_their_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    assert "Greet somebody" in output
    assert output.index("greet") < output.index("refuse")


@pytest.mark.usefixtures("installed")
def test_a_command_without_an_answer_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["greet", "--whom", "alice"]) == 0
    assert capsys.readouterr().out == "hello alice\n"


@pytest.mark.usefixtures("installed")
def test_an_error_is_lines_for_a_person_not_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["refuse"]) == 1
    assert capsys.readouterr().err == "hanse: the request is refused\n  name: taken; too long\n"


@pytest.mark.usefixtures("installed")
def test_an_interrupt_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["stop"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("installed")
def test_an_unknown_command_is_refused() -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["dance"])
    assert ended.value.code == 2
