"""Which images an entry of a policy covers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_node.policy.references import canonical, covers, digest_of, is_open_ended, listed, name_of, to_look_up

DIGEST, OTHER = "sha256:" + 64 * "a", "sha256:" + 64 * "b"


@pytest.mark.parametrize(
    ("entry", "image", "matching"),
    [
        ("hanse/summary", "hanse/summary", True),
        ("hanse/summary", "hanse/summary:2", True),
        ("hanse/summary", f"hanse/summary@{DIGEST}", True),
        ("hanse/summary:2", "hanse/summary:2", True),
        ("hanse/summary:2", "hanse/summary:3", False),
        ("hanse/summary:2", "hanse/summary", False),
        ("hanse/summary:2", f"hanse/summary:2@{DIGEST}", False),
        ("hanse/summary", "hanse/summary-evil", False),
        ("hanse/summary", "other/hanse/summary", False),
        ("hanse/summary", "docker.io/hanse/summary:1", True),
        ("docker.io/hanse/summary", "hanse/summary:1", True),
        ("ghcr.io/x/y", "GHCR.io:443/x/y:1", True),
        ("registry:5000/x", "registry:5000/x:1", True),
        ("registry:5000/x", "registry:5000/y", False),
        ("^hanse/.*", "hanse/glm:1", True),
        ("^hanse/.*", "evil/hanse/glm", False),
        ("hanse/(glm|summary)$", "hanse/glm", True),
        ("hanse/(glm|summary)$", "hanse/glm:1", False),
        ("hanse/.*", "not-hanse/x", False),
        ("hanse/(", "hanse/(", False),
        ("hanse/*", "hanse-evil/x", True),  # v4 reads that as a regular expression; `is_open_ended` warns.
        ("glob:hanse/*", "hanse-evil/x", False),
        ("glob:hanse/*", "hanse/x:1", True),
        ("regex:hanse/x", "hanse/xy", False),
        ("regex:hanse/x.*", "hanse/xy", True),
        (DIGEST, f"any/x@{DIGEST}", True),
        (DIGEST, f"any/x@{OTHER}", False),
        (DIGEST, "any/x", False),
        (f"hanse/x@{DIGEST}", f"hanse/x:1@{DIGEST}", True),
        (f"hanse/x@{DIGEST}", f"hanse/y@{DIGEST}", False),
        (f"hanse/x@{DIGEST}", "hanse/x:1", False),
    ],
)
def test_entries_of_the_list_match_as_in_v4_and_with_prefixes(entry: str, image: str, matching: bool) -> None:
    assert listed(entry, image) is matching


@pytest.mark.parametrize(
    ("entry", "image", "matching"),
    [
        ("hanse/*", "hanse/x:1", True),
        ("hanse/*", "hanse-evil/x", False),
        ("*/summary", "hanse/summary:3", True),
        ("hanse/x[12]", "hanse/x1", True),
        ("regex:hanse/x", "hanse/x", True),
    ],
)
def test_entries_of_rules_are_globs(entry: str, image: str, matching: bool) -> None:
    assert covers(entry, image) is matching


def test_another_tag_is_covered_when_it_is_the_same_content() -> None:
    digests = {"hanse/x:1": DIGEST, "hanse/x:2": DIGEST, "hanse/x:3": OTHER}
    assert listed("hanse/x:1", "hanse/x:2", digests)
    assert listed("hanse/x:1", f"hanse/x@{DIGEST}", digests)
    assert not listed("hanse/x:1", "hanse/x:3", digests)
    assert not listed("hanse/x:1", "hanse/y:2", {**digests, "hanse/y:2": DIGEST})
    assert to_look_up("hanse/x:1", "hanse/x:2") == ("hanse/x:1", "hanse/x:2")
    assert to_look_up("hanse/x:1", f"hanse/x@{DIGEST}") == ("hanse/x:1",)
    assert to_look_up("hanse/x:1", "hanse/y:2") == ()


@pytest.mark.parametrize(
    ("image", "name"), [("a/b:1", "a/b"), ("a/b@sha256:c", "a/b"), ("r:5/b:1@sha256:c", "r:5/b"), ("b", "b")]
)
def test_tag_and_digest_are_stripped(image: str, name: str) -> None:
    assert name_of(image) == name


def test_a_digest_that_is_none_is_not_taken_for_one() -> None:
    assert digest_of("a@sha256:12") is None
    assert digest_of(f"a@{DIGEST}") == DIGEST


@pytest.mark.parametrize(
    ("entry", "open_ended"),
    [("^hanse/.*", False), ("^hanse/x.*", True), ("hanse/*", True), ("^hanse/x$", False), ("^(a|b)$", False),
     ("hanse/x", False),
     ("glob:hanse/*", False), ("regex:hanse/.*", False), ("^a\\$", True), ("(^a$)", False)],
)  # fmt: skip
def test_entries_that_cover_more_than_they_seem_to_are_known(entry: str, open_ended: bool) -> None:
    assert is_open_ended(entry) is open_ended


HOSTS = st.sampled_from(["", "docker.io/", "GHCR.io/", "ghcr.io:443/", "localhost/", "h:5000/"])
PATHS = st.lists(st.sampled_from(["library", "a", "b"]), min_size=1, max_size=3).map("/".join)


@given(HOSTS, PATHS, st.sampled_from(["", ":1", f"@{DIGEST}", f":1@{DIGEST}"]))
def test_a_name_covers_all_its_tags_and_digests_however_it_is_spelt(host: str, path: str, rest: str) -> None:
    assert covers(host + path, canonical(host + path + rest))
    assert covers(canonical(host + path), host + path + rest)
