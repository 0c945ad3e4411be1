"""Notice at once when a process ends, one's own child or not."""

import asyncio
import os
from contextlib import suppress

from hanse_node.runtimes.process.references import Reference


class Endings:
    """One watched pidfd per run; the event loop wakes whoever waits."""

    def __init__(self) -> None:
        self._watched: dict[Reference, tuple[int, asyncio.Future[None]]] = {}

    async def wait(self, reference: Reference) -> None:
        """Return once the process is gone, at once if it already is."""
        future = self.watch(reference)
        if future is not None:
            await asyncio.shield(future)

    def watch(self, reference: Reference) -> asyncio.Future[None] | None:
        """Begin to watch, so that the process is reaped at its end even if nobody waits; None when it is gone."""
        if reference in self._watched:
            return self._watched[reference][1]
        descriptor = reference.open()
        if descriptor is None:
            return None
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._watched[reference] = (descriptor, future)
        loop.add_reader(descriptor, self._ended, reference)
        return future

    def close(self) -> None:
        """Stop watching; the processes go on."""
        for descriptor, future in self._watched.values():
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
            future.cancel()
        self._watched.clear()

    def _ended(self, reference: Reference) -> None:
        descriptor, future = self._watched.pop(reference)
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        reap(reference.pid)
        if not future.done():
            future.set_result(None)


def reap(pid: int) -> None:
    """Take the exit status of an ended child; an adopted process is not ours to reap."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
