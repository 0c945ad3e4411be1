"""What a failure probably comes from, told by category: nothing that the algorithm printed is repeated."""

from hanse_node.docker_settings import Profile

TAIL = 20_000
"""How much of the end of a log is looked at."""


def explain(log: bytes, profile: str) -> str:
    """Give a hint for the requester and the administrator; empty when nothing is recognised."""
    tail = log[-TAIL:]
    return next((text for marks, text in _known(profile) if any(mark in tail for mark in marks)), "")


def _known(profile: str) -> list[tuple[tuple[bytes, ...], str]]:
    strict: Profile = "strict"
    roomier = ""
    if profile == strict:
        roomier = (
            f"; the profile '{strict}' is in force, and an image made for stock nodes may need the profile 'v4' "
            "(docker.images in the node's configuration)"
        )
    return [
        ((b"Read-only file system", b"EROFS"), f"the algorithm tried to write where it may only read{roomier}"),
        ((b"Permission denied", b"EACCES"), f"the algorithm was denied access to a file{roomier}"),
        (
            (b"Resource temporarily unavailable", b"can't start new thread", b"Cannot fork"),
            "the algorithm reached the limit of processes (limits.processes in the node's configuration)",
        ),
        (
            (b"No space left on device",),
            "the algorithm ran out of space: its scratch folder is limited (docker.scratch_bytes), or the disk is full",
        ),
        (
            (b"File too large",),
            "the algorithm wrote a larger file than allowed (limits.output_bytes in the node's configuration)",
        ),
        (
            (b"Temporary failure in name resolution", b"Name or service not known", b"Network is unreachable"),
            "the algorithm tried to reach something on the network; here it reaches the node's proxy only",
        ),
    ]
