"""How a node writes its log."""

import io
from pathlib import Path

import pytest
import structlog

from hanse_node.log_file import LogFile
from hanse_node.main import configure_logs
from hanse_node.runtimes.process.bubblewrap import log


def test_loggers_follow_a_later_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    log.warning("first")
    assert "first" in capsys.readouterr().err

    structlog.reset_defaults()
    log.warning("second")

    assert "second" in capsys.readouterr().out


def test_the_log_is_also_in_a_file_that_never_grows_beyond_its_limit(tmp_path: Path) -> None:
    beside = io.StringIO()
    file = LogFile(tmp_path / "state" / "node.log", beside, most=100)
    for number in range(100):
        file.write(f"line {number}\n")
        file.flush()
    file.close()
    files = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert files == ["node.log", "node.log.1", "node.log.2", "node.log.3"]
    assert all(path.stat().st_size < 120 for path in (tmp_path / "state").iterdir())
    assert "line 99" in (tmp_path / "state" / "node.log").read_text() + (tmp_path / "state" / "node.log.1").read_text()
    assert beside.getvalue().count("line") == 100
    assert (tmp_path / "state" / "node.log.1").stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_keeps_nobody_from_working(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    beside = io.StringIO()
    file = LogFile(tmp_path / "file" / "node.log", beside)
    file.write("still told\n")
    file.flush()
    assert beside.getvalue() == "still told\n"
