"""A log keeps its first and its last part, whatever comes."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hanse_node.runtimes.process.inside.log import Log


def test_a_short_log_is_kept_as_it_is(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), 100)
    log.add(b"one ")
    log.add(b"two")
    log.finish()
    assert (tmp_path / "log").read_bytes() == b"one two"


def test_the_first_part_is_there_before_the_end(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), 10)
    log.add(b"0123456789abcdef")
    assert (tmp_path / "log").read_bytes() == b"01234"
    log.finish()


@given(chunks=st.lists(st.binary(max_size=40)), limit=st.integers(0, 100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_kept_and_what_is_counted_add_up(tmp_path: Path, chunks: list[bytes], limit: int) -> None:
    (tmp_path / "log").unlink(missing_ok=True)
    log = Log(str(tmp_path / "log"), limit)
    for chunk in chunks:
        log.add(chunk)
    log.finish()
    whole, kept = b"".join(chunks), (tmp_path / "log").read_bytes()
    if len(whole) <= limit:
        assert kept == whole
    else:
        marker = f"\n[log cut: {len(whole) - limit} bytes left out here]\n".encode()
        first = limit - limit // 2
        assert kept == whole[:first] + marker + whole[len(whole) - limit // 2 :]


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    os.symlink("/dev/full", tmp_path / "log")
    log = Log(str(tmp_path / "log"), 100)
    log.add(b"x" * 1000)
    log.say("ended by the node: time")
    log.finish()
    with pytest.raises(OSError, match="Bad file descriptor"):
        log.finish()
