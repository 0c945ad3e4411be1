"""Keeping an idle node small: it sits for months on a machine that others need."""

import asyncio
import ctypes
import gc
import sys
from concurrent.futures import ThreadPoolExecutor

UNNEEDED = ("rich", "pygments", "requests", "websocket", "watchfiles")
"""What libraries import merely because it happens to be installed; a node uses none of it (about 10 MB)."""
_ARENAS = -8
_THREADS = 2


def before_imports() -> None:
    """Hide what is not needed; to be called before the rest of the node is imported."""
    for name in UNNEEDED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    if libc := _libc():
        libc.mallopt(_ARENAS, 1)


def when_started() -> None:
    """Use few threads (they only write small files), and take what exists now out of garbage collection."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "hanse"))
    trim()
    gc.freeze()


def trim() -> None:
    """Give back to the machine what is free."""
    gc.collect()
    if libc := _libc():
        libc.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    """Give glibc; other C libraries have neither of the two calls."""
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
