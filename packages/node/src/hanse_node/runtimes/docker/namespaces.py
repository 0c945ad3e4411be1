"""Doing something where the engine's bridges are: in this network namespace, or in another one."""

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hanse_node.errors import CannotStart

NEW_NETWORK = 0x40000000
T = TypeVar("T")


def within(namespace: Path | None, work: Callable[[], T]) -> T:
    """Call something inside a network namespace; sockets that it makes belong there for good.

    A thread enters the namespace and ends with it: no other thread is ever moved.
    """
    if namespace is None:
        return work()
    results: list[T] = []
    troubles: list[BaseException] = []

    def enter_and_work() -> None:
        try:
            _enter(namespace)
            results.append(work())
        except BaseException as trouble:
            troubles.append(trouble)

    thread = threading.Thread(target=enter_and_work, name="hanse-namespace")
    thread.start()
    thread.join()
    if troubles:
        raise troubles[0]
    return results[0]


def _enter(namespace: Path) -> None:
    try:
        descriptor = os.open(namespace, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, NEW_NETWORK) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CannotStart(f"docker.network_namespace {namespace} cannot be entered: {error}") from error
