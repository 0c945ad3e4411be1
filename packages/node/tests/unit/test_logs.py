"""How a node writes its log."""

import pytest
import structlog

from hanse_node.main import configure_logs
from hanse_node.runtimes.process.bubblewrap import log


def test_loggers_follow_a_later_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    log.warning("first")
    assert "first" in capsys.readouterr().err

    structlog.reset_defaults()
    log.warning("second")

    assert "second" in capsys.readouterr().out
