"""Names and rooms of the live events.

An event is a doorbell: it carries ids of what changed, to be read again by REST.
"""

from typing import Final

SYNC: Final = "sync"
NEW_TASK: Final = "new_task"
STATUS_UPDATE: Final = "status_update"
RUN_STATUS_CHANGED: Final = "algorithm_status_change"
RUN_LOG: Final = "algorithm_log"
KILL: Final = "kill_containers"
NODE_ONLINE: Final = "node-online"
NODE_OFFLINE: Final = "node-offline"
NODE_INFO: Final = "node_info_update"
INVITATION: Final = "invitation"
MESSAGE: Final = "message"
PING: Final = "ping"
EXPIRED_TOKEN: Final = "expired_token"  # noqa: S105
INVALID_TOKEN: Final = "invalid_token"  # noqa: S105


def collaboration_room(collaboration_id: int) -> str:
    """Name the room of a collaboration: its nodes, and the users who may hear all of it."""
    return f"collaboration_{collaboration_id}"


def organization_room(collaboration_id: int, organization_id: int) -> str:
    """Name the room of one organization within a collaboration."""
    return f"collaboration_{collaboration_id}_organization_{organization_id}"
