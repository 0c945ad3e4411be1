"""Finding the long texts of a JSON body while it arrives."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_core.errors import TooLarge
from hanse_core.scan import Begin, End, NotJson, Scanner


def scan(body: bytes, size: int, long: int = 8, limit: int = 1 << 20) -> tuple[Any, list[tuple[str, str]]]:
    """Feed a body in chunks of a size; give what is left of it, parsed, and the long texts by name."""
    scanner = Scanner(long, limit)
    found: list[tuple[str, bytearray]] = []
    for start in range(0, len(body), size):
        for piece in scanner.feed(body[start : start + size]):
            if isinstance(piece, Begin):
                found.append((piece.name, bytearray()))
            elif isinstance(piece, End):
                scanner.put(f"#{len(found) - 1}")
            else:
                found[-1][1].extend(piece)
    return json.loads(scanner.finish()), [(name, bytes(text).decode()) for name, text in found]


def restored(rest: Any, texts: list[tuple[str, str]]) -> Any:
    if isinstance(rest, dict):
        return {restored(key, texts): restored(value, texts) for key, value in rest.items()}
    if isinstance(rest, list):
        return [restored(value, texts) for value in rest]
    return texts[int(rest[1:])][1] if isinstance(rest, str) and rest.startswith("#") else rest


texts = st.text(st.characters(exclude_characters="#", exclude_categories=["Cs"]), max_size=40)
bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


@given(body=bodies, size=st.integers(1, 50), is_ascii=st.booleans())
def test_rest_and_long_texts_together_are_the_body(body: Any, size: int, is_ascii: bool) -> None:
    written = json.dumps(body, ensure_ascii=is_ascii).encode()
    assert restored(*scan(written, size)) == body


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_long_text_is_named_by_the_key_before_it(size: int) -> None:
    body = b'{"log" : "short", "result":\n"a long result", "x": [{"id": 1, "input": "a long input"}]}'
    rest, texts = scan(body, size)
    assert texts == [("result", "a long result"), ("input", "a long input")]
    assert rest == {"log": "short", "result": "#0", "x": [{"id": 1, "input": "#1"}]}


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize(
    "text",
    [
        rb"control \x01 characters".replace(rb"\x01", b"\x01"),
        rb"no such escape \q",
        rb"half a pair \ud83d and more",
        rb"the wrong half first \ude00",
        rb"not hexadecimal \u12zz",
        b"not UTF-8 \xff\xfe at all",
        b"half a character at the end \xc3",
        rb"two high halves \ud83d\ud83d in a row",
    ],
)
def test_what_no_json_may_have_is_refused(text: bytes, size: int) -> None:
    with pytest.raises(NotJson):
        scan(b'{"result": "' + text + b'"}', size)


def test_a_text_that_does_not_end_is_refused() -> None:
    with pytest.raises(NotJson, match="not closed"):
        scan(b'{"result": "and then', 5)


@pytest.mark.parametrize("body", [b"[" * 3000, b'"' + b'","' * 3000, b'{"a":1,' * 500])
def test_what_is_not_a_long_text_has_a_limit(body: bytes) -> None:
    with pytest.raises(TooLarge):
        scan(body, 100, long=64, limit=2000)


def test_many_texts_of_middle_size_do_not_fill_the_rest() -> None:
    body = json.dumps([{"input": "x" * 3000}] * 200).encode()
    rest, texts = scan(body, 1000, long=4000, limit=40_000)
    assert len(rest) == 200
    assert len(texts) > 180
