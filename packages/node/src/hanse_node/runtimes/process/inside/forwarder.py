"""Carry each TCP connection on a loopback port to the node's Unix socket, holding it while the node restarts."""

import _socket
import os
import select

CHUNK = 65536
RETRY_MS = 50
"""A socket file that comes back makes no event, so a held connection is tried again this often."""
MOST_CONNECTIONS = 200
HIGHEST_DESCRIPTOR = 65536


class _Flow:
    """One direction of one connection; at most one chunk is held, so a slow reader slows the writer."""

    def __init__(self, source: _socket.socket, sink: _socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.held = b""
        self.ended = False

    def interest(self) -> tuple[int, int]:
        return (self.sink.fileno(), select.POLLOUT) if self.held else (self.source.fileno(), select.POLLIN)

    def step(self) -> None:
        try:
            if not self.held:
                self._fill()
            if self.held:
                self.held = self.held[self.sink.send(self.held) :]
        except BlockingIOError:
            pass

    def _fill(self) -> None:
        self.held = self.source.recv(CHUNK)
        if not self.held:
            self.ended = True
            self.sink.shutdown(_socket.SHUT_WR)


class _Connection:
    """A client, and the node as soon as it answers."""

    def __init__(self, client: _socket.socket, path: str) -> None:
        self.client = client
        self.path = path
        self.node: _socket.socket | None = None
        self.flows: list[_Flow] = []

    def connect(self) -> None:
        node = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        node.setblocking(False)
        try:
            node.connect(self.path)
        except OSError:
            node.close()
            return
        self.node = node
        self.flows = [_Flow(self.client, node), _Flow(node, self.client)]

    def step(self, ready: set[tuple[int, int]]) -> bool:
        """Move what can be moved; False once the connection is over."""
        if self.node is None:
            self.connect()
            return True
        try:
            for flow in self.flows:
                if not flow.ended and flow.interest() in ready:
                    flow.step()
        except OSError:
            return False
        return not all(flow.ended for flow in self.flows)

    def close(self) -> None:
        self.client.close()
        if self.node is not None:
            self.node.close()


def listen(port: int) -> _socket.socket:
    """Give a listening socket on the loopback interface; port 0 lets the kernel choose."""
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    listener.setblocking(False)
    return listener


def adopt(descriptor: int) -> _socket.socket:
    """Give the listening socket behind a descriptor that was handed over."""
    listener = _socket.socket(fileno=descriptor)
    listener.setblocking(False)
    return listener


def serve(listener: _socket.socket, path: str) -> None:
    """Forward until the process is ended."""
    connections: list[_Connection] = []
    while True:
        ready = _wait(listener, connections)
        if (listener.fileno(), select.POLLIN) in ready:
            _accept(listener, path, connections)
        for connection in list(connections):
            if not connection.step(ready):
                connection.close()
                connections.remove(connection)


def _wait(listener: _socket.socket, connections: list[_Connection]) -> set[tuple[int, int]]:
    """Sleep until something can move; an error on a descriptor counts as whatever was wanted of it."""
    wanted: dict[int, int] = {}
    if len(connections) < MOST_CONNECTIONS:
        wanted[listener.fileno()] = select.POLLIN
    for connection in connections:
        for flow in connection.flows:
            if not flow.ended:
                descriptor, event = flow.interest()
                wanted[descriptor] = wanted.get(descriptor, 0) | event
    poll = select.poll()
    for descriptor, events in wanted.items():
        poll.register(descriptor, events)
    holding = any(connection.node is None for connection in connections)
    found = poll.poll(RETRY_MS if holding else None)
    broken = select.POLLERR | select.POLLHUP
    return {
        (descriptor, event)
        for descriptor, events in found
        for event in (select.POLLIN, select.POLLOUT)
        if events & event or (events & broken and wanted[descriptor] & event)
    }


def _accept(listener: _socket.socket, path: str, connections: list[_Connection]) -> None:
    try:
        descriptor, _ = listener._accept()  # type: ignore[attr-defined]
    except OSError:
        return
    client = _socket.socket(fileno=descriptor)
    client.setblocking(False)
    client.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    connection = _Connection(client, path)
    connection.connect()
    connections.append(connection)


def keep_only(listener: int) -> None:
    """Let go of all other descriptors, so that nobody waits for this process to close a pipe."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, listener)
    os.closerange(listener + 1, HIGHEST_DESCRIPTOR)
