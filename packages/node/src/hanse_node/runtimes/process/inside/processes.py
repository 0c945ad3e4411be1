"""What /proc tells about processes: who began when, and who descends from whom."""

import os


def identity(pid: int) -> str:
    """Tell one process from a later one with the same number: start time and boot; empty when there is none."""
    try:
        started = _fields(pid)[19]
        with open("/proc/sys/kernel/random/boot_id") as boot:
            return f"{started}@{boot.read(8)}"
    except (OSError, IndexError):
        return ""


def descendants(ancestor: int) -> list[int]:
    """Give all living processes below one, nearest first."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                state, parent = _fields(int(name))[:2]
            except (OSError, ValueError):
                continue
            if state != "Z":
                children.setdefault(int(parent), []).append(int(name))
    found = list(children.get(ancestor, []))
    for pid in found:
        found += children.get(pid, [])
    return found


def _fields(pid: int) -> list[str]:
    """Give the fields of /proc/<pid>/stat from the third (state) on; the second may hold blanks and brackets."""
    with open(f"/proc/{pid}/stat", errors="replace") as stat:
        return stat.read().rpartition(")")[2].split()
