"""Long texts written into the places of an answer."""

import json

from hypothesis import given
from hypothesis import strategies as st

from hanse_web.holes import escaped

texts = st.text(st.characters(codec="utf-8"), max_size=60)


@given(text=texts, size=st.integers(1, 9))
def test_what_is_escaped_in_pieces_is_read_as_it_was(text: str, size: int) -> None:
    raw = text.encode()
    pieces = b"".join(escaped(raw[start : start + size]) for start in range(0, len(raw), size))
    assert json.loads(b'"' + pieces + b'"') == text
