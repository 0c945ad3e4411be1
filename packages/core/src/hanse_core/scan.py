"""Reading a JSON body piece by piece: its long texts are handed on as they arrive, the rest is kept for parsing.

This knows no more of JSON than where texts begin and end. Whether the whole is valid JSON is decided by the parser that
gets the rest, in which each long text is replaced by a short one.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from hanse_core.errors import TooLarge

SMALL_BYTES = 1024
"""From half of the limit on, every text that is longer than this is a long one."""
_STOP = re.compile(rb'["\\]')
_CONTROL = re.compile(rb"[\x00-\x1f]")
_WHOLE = re.compile(
    rb"(?:[^\\]+|\\[^u]|\\u(?:[^dD]...|[dD][^89abAB]..)|\\u[dD][89abAB]..\\u....)*", re.DOTALL
)  # whole escapes only; of a pair of surrogates both halves
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u....|\\u....|\\.", re.DOTALL)
_LONGEST_ESCAPE = 12


class NotJson(ValueError):
    """The body cannot be JSON."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A long text begins; `name` is the key that stands before it."""

    name: str


@dataclass(frozen=True, slots=True)
class End:
    """The long text is over; `Scanner.put` says what is to stand in its place."""


Piece = Begin | bytes | End


class Scanner:
    """Takes a body in chunks (`feed`), gives its long texts as pieces and keeps the rest (`rest`).

    Pieces must be consumed before the next chunk is fed. Texts of up to `long_bytes` stay where they are.
    """

    def __init__(self, long_bytes: int, limit_bytes: int) -> None:
        self.rest = bytearray()
        self._long = long_bytes
        self._limit = limit_bytes
        self._in_text = False
        self._begin = 0
        """Where in the rest the present text begins, after its quote."""
        self._is_escaped = False
        self._name = ""
        self._last = ""
        self._unescaper: _Unescaper | None = None

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Read on."""
        position = 0
        while position < len(data):
            if not self._in_text:
                position = self._outside(data, position)
            else:
                end, is_over = self._text_end(data, position)
                yield from self._text(data[position:end], is_over=is_over)
                position = end + is_over

    def put(self, text: str) -> None:
        """Say what stands in place of the long text that just ended."""
        written = json.dumps(text, ensure_ascii=False).encode()
        self.rest += written
        self._limit += len(written)  # how much that may be is for whoever says what stands there

    def finish(self) -> bytes:
        """Give the rest once the body is over."""
        if self._in_text:
            raise NotJson("a text is not closed")
        return bytes(self.rest)

    def _outside(self, data: bytes, position: int) -> int:
        end = data.find(b'"', position)
        between = data[position:] if end < 0 else data[position:end]
        if between.lstrip()[:1] == b":":
            self._name = self._last
        self._keep(between)
        if end < 0:
            return len(data)
        self._keep(b'"')
        self._in_text, self._begin = True, len(self.rest)
        return end + 1

    def _text_end(self, data: bytes, position: int) -> tuple[int, bool]:
        """Find where the text ends in this chunk; if it does not, that is the end of the chunk."""
        if self._is_escaped:
            self._is_escaped = False
            position += 1
        while found := _STOP.search(data, position):
            if found[0] == b'"':
                return found.start(), True
            position = found.start() + 2
            self._is_escaped = position > len(data)
        return len(data), False

    def _text(self, raw: bytes, *, is_over: bool) -> Iterator[Piece]:
        if self._unescaper is None and len(self.rest) - self._begin + len(raw) > self._longest():
            raw = bytes(self.rest[self._begin :]) + raw
            del self.rest[self._begin - 1 :]
            self._unescaper = _Unescaper()
            yield Begin(self._name)
        if self._unescaper is not None:
            yield from self._unescaper.feed(raw)
        else:
            self._keep(raw)
        if is_over:
            yield from self._close()

    def _close(self) -> Iterator[Piece]:
        self._in_text = False
        if self._unescaper is not None:
            self._unescaper.finish()
            self._unescaper = None
            yield End()
        else:
            self._last = self.rest[self._begin :].decode(errors="replace")
            self._keep(b'"')

    def _longest(self) -> int:
        return self._long if self._begin < self._limit // 2 else SMALL_BYTES

    def _keep(self, data: bytes) -> None:
        self.rest += data
        if len(self.rest) > self._limit:
            raise TooLarge(f"the body, without the inputs, the result and the log in it, exceeds {self._limit} bytes")


class _Unescaper:
    """Turns what stands between the quotes into the text itself, in UTF-8."""

    def __init__(self) -> None:
        self._carry = b""
        self._utf8 = codecs.getincrementaldecoder("utf-8")()

    def feed(self, raw: bytes) -> Iterator[bytes]:
        if _CONTROL.search(raw):
            raise NotJson("a text has control characters that are not escaped")
        raw = self._carry + raw
        self._carry = b""
        if b"\\" in raw:
            raw = self._unescaped(raw)
        self._check(raw)
        if raw:
            yield raw

    def _unescaped(self, raw: bytes) -> bytes:
        matched = _WHOLE.match(raw)
        end = matched.end() if matched else 0
        self._carry = raw[end:]
        if len(self._carry) >= _LONGEST_ESCAPE:
            raise NotJson("a text has an escape that is none")
        return _ESCAPE.sub(_character, raw[:end])

    def _check(self, text: bytes, *, is_over: bool = False) -> None:
        try:
            self._utf8.decode(text, is_over)
        except UnicodeDecodeError as error:
            raise NotJson("a text is not UTF-8") from error

    def finish(self) -> None:
        if self._carry:
            raise NotJson("a text has an escape that is none")
        self._check(b"", is_over=True)


def _character(escape: re.Match[bytes]) -> bytes:
    try:
        character: str = json.loads(b'"' + escape[0] + b'"')
        return character.encode()
    except ValueError as error:  # also of half a pair of surrogates, which no UTF-8 can express
        raise NotJson(f"a text has an escape that is none: {escape[0].decode(errors='replace')}") from error
