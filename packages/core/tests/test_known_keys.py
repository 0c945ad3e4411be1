"""Keys of partners are believed as first seen; a server cannot slip in another one."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from hanse_core.crypto import keys
from hanse_core.crypto.known_keys import KnownKeys, read_bundle
from hanse_core.errors import Invalid, KeyChanged, NotFound


@pytest.fixture(scope="module")
def published() -> tuple[str, str]:
    return keys.publish(keys.generate()), keys.publish(keys.generate())


def test_the_first_key_is_believed_and_another_one_refused_until_it_is_confirmed(
    tmp_path: Path, published: tuple[str, str]
) -> None:
    first, other = published
    known = KnownKeys(tmp_path / "keys.json", "confirm")
    assert known.believed(2, first, "beta") == first
    with pytest.raises(KeyChanged, match=r"\(beta\) has changed.*:  confirm 2$") as refused:
        known.believed(2, other)
    assert keys.fingerprint(first) in refused.value.message
    assert keys.fingerprint(other) in refused.value.message
    assert KnownKeys(tmp_path / "keys.json", "confirm").believed(2, first) == first
    with pytest.raises(Invalid, match="another fingerprint"):
        known.trust(2, keys.fingerprint(first))
    known.trust(2, keys.fingerprint(other).upper())
    with pytest.raises(NotFound, match="no changed key of organization 2"):
        known.trust(2, keys.fingerprint(other))
    assert known.believed(2, other) == other
    with pytest.raises(KeyChanged):
        known.believed(2, first)


def test_a_key_that_the_server_no_longer_names_stays(tmp_path: Path, published: tuple[str, str]) -> None:
    known = KnownKeys(tmp_path / "keys.json", "confirm")
    assert known.believed(2, "") == ""
    known.believed(2, published[0])
    assert known.believed(2, "") == published[0]


def test_the_same_key_in_other_words_is_no_other_key(tmp_path: Path, published: tuple[str, str]) -> None:
    import base64

    known = KnownKeys(tmp_path / "keys.json", "confirm")
    known.believed(2, published[0])
    windows = base64.b64encode(base64.b64decode(published[0]).replace(b"\n", b"\r\n")).decode()
    assert known.believed(2, windows) == published[0]


def test_a_damaged_file_is_never_begun_anew(tmp_path: Path, published: tuple[str, str]) -> None:
    (tmp_path / "keys.json").write_text("{")
    with pytest.raises(Invalid, match=r"keys\.json"):
        KnownKeys(tmp_path / "keys.json", "confirm").believed(2, published[0])
    assert (tmp_path / "keys.json").read_text() == "{"


def test_only_the_owner_can_read_and_write_the_keys(tmp_path: Path, published: tuple[str, str]) -> None:
    KnownKeys(tmp_path / "keys.json", "confirm").put(2, published[0])
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_a_bundle_holds_published_keys_or_pem(tmp_path: Path, published: tuple[str, str]) -> None:
    import base64

    bundle = tmp_path / "bundle.json"
    bundle.write_text(json.dumps({"2": published[0], "3": base64.b64decode(published[1]).decode()}))
    found = read_bundle(bundle)
    known = KnownKeys(tmp_path / "keys.json", "confirm")
    for organization_id, key in found.items():
        known.put(organization_id, key)
    assert known.believed(3, published[1]) == published[1]
    with pytest.raises(KeyChanged):
        known.believed(2, published[1])
    bundle.write_text(json.dumps(known.bundle()))
    assert read_bundle(bundle) == {2: published[0], 3: published[1]}
    for text in ("[", "[1]", '{"x": "y"}', '{"2": 5}'):
        bundle.write_text(text)
        with pytest.raises(Invalid):
            [known.put(9, key) for key in read_bundle(bundle).values()]


def test_what_is_first_seen_and_what_has_changed_is_told_once(tmp_path: Path, published: tuple[str, str]) -> None:
    told: list[tuple[str, int, str]] = []
    known = KnownKeys(tmp_path / "keys.json", "confirm", lambda *event: told.append(event))
    for key in (published[0], published[0], published[1], published[1]):
        with suppress(KeyChanged):
            known.believed(2, key)
    assert told == [
        ("key_first_seen", 2, keys.fingerprint(published[0])),
        ("key_changed", 2, keys.fingerprint(published[1])),
    ]
