"""A station works for what it joined first, whatever a server says later."""

from pathlib import Path

import pytest

from hanse_node.errors import CannotStart
from hanse_node.membership import require_same
from hanse_node.uplink.base import Identity


def identity(organization: int = 1, collaboration: int = 3) -> Identity:
    return Identity(2, "a node", organization, "alpha", collaboration, encrypted=False)


def test_what_is_joined_first_is_remembered(tmp_path: Path) -> None:
    record = tmp_path / "membership.json"
    require_same(record, identity())
    require_same(record, identity())
    assert record.exists()


@pytest.mark.parametrize("moved", [identity(collaboration=4), identity(organization=5)])
def test_a_node_that_was_moved_stops_and_says_how_to_agree(tmp_path: Path, moved: Identity) -> None:
    record = tmp_path / "membership.json"
    require_same(record, identity())
    with pytest.raises(CannotStart, match=rf"until now.*collaboration 3.*remove {record}"):
        require_same(record, moved)
    record.unlink()
    require_same(record, moved)


@pytest.mark.parametrize("damage", ["", "[]", "{}"])
def test_a_damaged_record_is_not_taken_for_a_first_start(tmp_path: Path, damage: str) -> None:
    record = tmp_path / "membership.json"
    record.write_text(damage)
    with pytest.raises(CannotStart, match="membership"):
        require_same(record, identity())
