"""Of which form an input is, judged while it arrives: base64 of UTF-8, or sealed for somebody."""

import binascii
import codecs

from hanse_core.crypto.envelope import IV_BYTES, SEPARATOR


class Form:
    """Judges a text that is fed to it in pieces of bytes."""

    def __init__(self) -> None:
        self._whole = _Base64()
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._is_utf8 = True
        self._parts = [_Base64()]

    @classmethod
    def of(cls, text: str) -> "Form":
        """Judge a text that is here as a whole."""
        form = cls()
        form.feed(text.encode(errors="replace"))
        return form

    def feed(self, text: bytes) -> None:
        """Take the next piece."""
        decoded = self._whole.feed(text)
        if self._is_utf8 and decoded:
            self._is_utf8 = self._decodes(decoded)
        first, *others = text.split(SEPARATOR.encode(), 3 - len(self._parts))
        self._parts[-1].feed(first)
        for other in others:
            self._parts.append(_Base64())
            self._parts[-1].feed(other)

    def _decodes(self, data: bytes, *, is_over: bool = False) -> bool:
        try:
            self._utf8.decode(data, is_over)
        except UnicodeDecodeError:
            return False
        return True

    def is_readable(self) -> bool:
        """Tell whether the text, which is over, is base64 of UTF-8."""
        return self._whole.is_whole and self._is_utf8 and self._decodes(b"", is_over=True)

    def is_sealed(self) -> bool:
        """Tell whether the text, which is over, has the outer form of an envelope."""
        are_three = len(self._parts) == 3 and all(part.is_whole for part in self._parts)
        return are_three and self._parts[1].length == IV_BYTES


class _Base64:
    """Decodes strict base64 piece by piece."""

    def __init__(self) -> None:
        self.length = 0
        """Bytes that were decoded."""
        self._carry = b""
        self._is_valid = True
        self._is_padded = False

    @property
    def is_whole(self) -> bool:
        return self._is_valid and not self._carry

    def feed(self, text: bytes) -> bytes:
        if not self._is_valid:
            return b""
        text = self._carry + text
        end = len(text) - len(text) % 4
        self._carry = text[end:]
        if not end:
            return b""
        try:
            decoded = binascii.a2b_base64(text[:end], strict_mode=True)
        except binascii.Error:
            decoded = b""
            self._is_valid = False
        self._is_valid = self._is_valid and not self._is_padded
        self._is_padded = text[:end].endswith(b"=")
        self.length += len(decoded)
        return decoded
