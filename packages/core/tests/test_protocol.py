"""Values of environment variables, as the container contract of v4 writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_core.events import collaboration_room, organization_room
from hanse_core.protocol import API_VERSION, decode_variable, encode_variable

VECTORS = [
    ("", ""),
    ("a", "ME!!!!!!"),
    ("abc", "MFRGG!!!"),
    ("abcde", "MFRGGZDF"),
    ("/mnt/tmp", "F5WW45BPORWXA!!!"),
    ("80", "HAYA!!!!"),
    ("8080", "HAYDQMA!"),
    ("http://proxyserver", "NB2HI4B2F4XXA4TPPB4XGZLSOZSXE!!!"),
    ("http://squid:3128", "NB2HI4B2F4XXG4LVNFSDUMZRGI4A!!!!"),
    ("second,default", "ONSWG33OMQWGIZLGMF2WY5A!"),
]


@pytest.mark.parametrize(("plain", "encoded"), VECTORS)
def test_the_vectors_of_the_contract(plain: str, encoded: str) -> None:
    assert encode_variable(plain) == encoded
    assert decode_variable(encoded) == plain


def test_numbers_become_decimal_text() -> None:
    assert encode_variable(8080) == encode_variable("8080")


@given(st.text())
def test_whatever_is_encoded_comes_back(text: str) -> None:
    assert decode_variable(encode_variable(text)) == text


@pytest.mark.parametrize("text", ["/usr/bin", "not base32", "me!!!!!!", "ÄÖÜ", "77777777"])
def test_what_is_not_encoded_is_left_as_it_is(text: str) -> None:
    assert decode_variable(text) == text


def test_the_version_lets_stock_command_lines_choose_a_node_image() -> None:
    assert API_VERSION.startswith("4.15.")


def test_rooms_have_the_names_of_v4() -> None:
    assert collaboration_room(1) == "collaboration_1"
    assert organization_room(1, 2) == "collaboration_1_organization_2"
