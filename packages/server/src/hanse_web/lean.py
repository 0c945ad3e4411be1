"""A process that only serves leaves out what libraries import for other uses of theirs: some 30 MB."""

import ctypes
import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

UNUSED = ("aiohttp", "pygments", "requests", "rich", "websocket")
"""Wanted by Socket.IO for its clients, by structlog for tracebacks that show variables, by httpx for a command."""
FROM = ("socketio", "structlog", "httpx")
_ARENA_MAX = -8
"""`M_ARENA_MAX` of glibc: heaps beside the first one, which threads would otherwise get one each of."""
ARENAS = 2


def import_lean() -> None:
    """Import the libraries that try to import what a server never uses; before anything else imports them."""
    with _without(*UNUSED):
        for name in FROM:
            importlib.import_module(name)


@contextmanager
def _without(*names: str) -> Iterator[None]:
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # so that importing it fails
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def few_heaps() -> None:
    """Have threads share heaps, so that memory which one gave back serves the others. Before threads start."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_ARENA_MAX, ARENAS)


def settle() -> None:
    """Give back what only the start needed, and spare the garbage collector what stays for ever."""
    gc.collect()
    gc.freeze()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
