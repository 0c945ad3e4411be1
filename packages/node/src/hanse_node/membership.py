"""What this station joined: one organization's place in one collaboration, remembered since its first start.

A server, or whoever administers it, could move a node into another collaboration, whose members would then ask for
the same data. The data's owner agreed to one, so a node that finds itself elsewhere stops.
"""

import json
from pathlib import Path

from hanse_node.errors import CannotStart
from hanse_node.uplink.base import Identity


def require_same(record: Path, identity: Identity) -> None:
    """Compare with what was joined before, or note it at the first start. Raises `CannotStart` when they differ."""
    found = {"organization_id": identity.organization_id, "collaboration_id": identity.collaboration_id}
    joined = _read(record)
    if joined is None:
        partial = record.with_suffix(".part")
        partial.write_text(json.dumps(found))
        partial.replace(record)
    elif joined != found:
        raise CannotStart(
            f"the server says that this node works for {_words(found)}, but until now it worked for "
            f"{_words(joined)}. Nothing runs before the owner of the data agrees: if this move is wanted, remove "
            f"{record} and start again; if not, ask the server's administrator who moved the node"
        )


def _read(record: Path) -> dict[str, int] | None:
    try:
        joined = json.loads(record.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CannotStart(
            f"{record}, which says what this node joined, cannot be read: {error}; if it is damaged, remove it"
        ) from error
    return joined if isinstance(joined, dict) else {}


def _words(place: dict[str, int]) -> str:
    return f"organization {place.get('organization_id')} in collaboration {place.get('collaboration_id')}"
