"""Where the browser brings the code back to: a port of this machine, for one answer (RFC 8252)."""

from __future__ import annotations

import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from typing_extensions import Self

PATH = "/callback"
DONE = (
    "<!doctype html><meta charset=utf-8><title>Hanse</title><p>You can close this window and go back to your program."
)
SECONDS = 10
"""How long a connection may stay silent, for browsers open some that they never use."""


class Loopback:
    """Listens on 127.0.0.1 as long as its block lasts; only an answer with the right state is taken."""

    def __init__(self) -> None:
        self._answers: queue.Queue[dict[str, str]] = queue.Queue()
        self._state: str | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def redirect_uri(self) -> str:
        """The address to which the provider sends the browser back."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def expect(self, state: str) -> None:
        """Say which answer is waited for; others, which any page in the browser could send, are ignored."""
        self._state = state

    def wait(self, seconds: float) -> dict[str, str] | None:
        """Give the parameters of the answer; None when none came in time."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None

    def take(self, target: str) -> bool:
        """Take an answer, given as the path and query of a request; tells whether it is the one."""
        parts = urlsplit(target)
        found = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != PATH or self._state is None or found.get("state") != self._state:
            return False
        self._answers.put(found)
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            timeout = SECONDS

            def do_GET(self) -> None:
                text = DONE.encode() if loopback.take(self.path) else b""
                self.send_response(200 if text else 404)
                for name, value in (
                    ("Content-Type", "text/html"),
                    ("Content-Length", str(len(text))),
                    # The address of this page holds the code.
                    ("Referrer-Policy", "no-referrer"),
                    ("Cache-Control", "no-store"),
                    ("Connection", "close"),
                ):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing: the request line holds the code."""

        return Handler
