"""The first program inside the sandbox: start the forwarder, set the limits, become the algorithm."""

import _signal  # type: ignore[import-not-found]
import _socket
import os
import sys

from . import forwarder

READY = b"1"
LEFT_OUT = -1
"""In place of a limit: none."""


def main() -> None:
    """Take `served ready-descriptor folder address-space processes file-size command…` from the command line.

    Served are ports with the sockets behind them: `8080=/a,8081=/b`.
    """
    served, ready, folder, *rest = sys.argv[1:]
    for port, _, path in (one.partition("=") for one in served.split(",")):
        listener = forwarder.listen(int(port))
        _serve_apart(listener, path)
        listener.close()
    become(rest[3:], int(ready), folder, [int(limit) for limit in rest[:3]])


def _serve_apart(listener: _socket.socket, path: str) -> None:
    """Forward in a grandchild, which the sandbox's init adopts: the algorithm never waits for it as its child."""
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            forwarder.keep_only(listener.fileno())
            forwarder.serve(listener, path)
        os._exit(0)
    os.waitpid(child, 0)


def become(command: list[str], ready: int, folder: str, limits: list[int]) -> None:
    """Replace this process by the algorithm; what goes wrong is told through `ready`, which closes on success."""
    os.set_inheritable(ready, False)
    os.write(ready, READY)
    try:
        os.chdir(folder)
        # Python ignores these two signals and would pass that on to programs that count on them.
        _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
        _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
        set_limits(*limits)
        os.execvp(command[0], command)  # noqa: S606
    except (OSError, ValueError) as error:
        os.write(ready, f"{command[0]}: {error}".encode())
        os._exit(127)


def set_limits(address_space: int, processes: int, file_size: int) -> None:
    """Set what the kernel enforces; a limit above what this process may have is left as it is."""
    import resource

    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_AS: address_space,
    }
    for which, value in wanted.items():
        _, hard = resource.getrlimit(which)
        if value != LEFT_OUT and (hard == resource.RLIM_INFINITY or value <= hard):
            resource.setrlimit(which, (value, value))
