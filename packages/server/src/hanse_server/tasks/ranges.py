"""The header `Range` of a download: which bytes are wanted."""

import re
from dataclasses import dataclass

from typing_extensions import Self

_SINGLE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to but without `end`, of `size`."""

    start: int
    end: int
    size: int
    is_part: bool = False
    is_satisfiable: bool = True

    @classmethod
    def read(cls, header: str | None, size: int) -> Self:
        """Read the header. What is not one range of bytes is ignored, as HTTP allows: all is given then."""
        found = _SINGLE.fullmatch(header or "")
        if found is None or found.groups() == ("", ""):
            return cls(0, size, size)
        first, last = found.groups()
        if not first:
            start, end = max(size - int(last), 0), size
        else:
            start, end = int(first), min(int(last) + 1, size) if last else size
        if last and first and int(last) < int(first):
            return cls(0, size, size)
        return cls(start, end, size, is_part=True, is_satisfiable=start < end)

    def headers(self) -> dict[str, str]:
        """Give the headers that say what is sent."""
        if not self.is_satisfiable:
            return {"Content-Range": f"bytes */{self.size}"}
        part = {"Content-Range": f"bytes {self.start}-{self.end - 1}/{self.size}"} if self.is_part else {}
        return {**part, "Content-Length": str(self.end - self.start)}
