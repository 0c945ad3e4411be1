"""What is logged, and what never is."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from hanse_web import logs

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2lnbmF0dXJl"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Put logging back to what it was."""
    root = logging.getLogger()
    handlers, level, before = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.mark.parametrize("form", ["plain", "json"])
def test_planted_secrets_never_reach_the_log(capsys: pytest.CaptureFixture[str], form: logs.Format) -> None:
    logs.configure(form)
    log = structlog.get_logger()
    log.info("login", password="planted-1", api_key="planted-2", Authorization="Bearer planted-3", user="alice")
    log.info("run", input="planted-4", result={"rows": ["planted-5"]}, nested={"refresh_token": "planted-6"})
    log.warning(f"a text with {TOKEN} and bearer planted-7", uri="postgresql://hanse:planted-8@db/hanse", other=[HASH])
    logging.getLogger("library").warning("Authorization: Bearer %s", "planted-9")
    try:
        raise ValueError(f"token {TOKEN} is bad")
    except ValueError:
        local_variable = f"planted-{5 * 2}"
        log.exception("failed", length=len(local_variable))
    text = capsys.readouterr().err
    assert "planted-" not in text
    assert "eyJ" not in text
    assert "argon2id" not in text
    assert "alice" in text
    assert "ValueError" in text


def test_json_lines_are_json_with_a_fixed_event_name(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    structlog.get_logger("hanse").info("task-created", task_id=7)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["task_id"], line["level"]) == ("task-created", 7, "info")
    assert line["timestamp"].endswith("Z")


def test_less_important_lines_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("plain", "warning")
    structlog.get_logger().info("chatter")
    logging.getLogger("library").info("chatter")
    assert capsys.readouterr().err == ""


def test_numbers_about_secrets_may_be_told_as_truth_values(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    structlog.get_logger().info("settings", has_token=True, password=None)
    line = json.loads(capsys.readouterr().err)
    assert (line["has_token"], line["password"]) == (True, None)
