"""Names of images as engines read them, and how entries of a policy cover them.

Different spellings of one image are brought to one form first, so that no rule is passed by writing
`docker.io/evil/x` or `GHCR.io:443/evil/x`.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

LONGEST = 512
BASICS = ("ghcr.io/vantage6/algorithm-basics", "harbor2.vantage6.ai/algorithms/basics")
_SPELLING = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_V4_REGULAR = re.compile(r"[*\\?$^\[\](){}|+]")
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")

Digests = Mapping[str, str]
"""What tags were found to stand for: digest by image, as spelt by `canonical`."""


def is_spelt_well(image: str) -> bool:
    """Tell whether this could be the name of an image at all; no blanks, no line ends, no endless names."""
    return len(image) <= LONGEST and _SPELLING.fullmatch(image) is not None


def canonical(image: str) -> str:
    """Spell an image the one way: host in small letters and without the usual port, Docker's own hub left out."""
    name, at, digest = image.partition("@")
    host, slash, path = name.partition("/")
    if not slash or not ("." in host or ":" in host or host.lower() == "localhost"):
        return _of_hub(name) + at + digest
    host = host.lower().removesuffix(":443")
    if host in _HUB:
        return _of_hub(path) + at + digest
    return f"{host}/{path}{at}{digest}"


def _of_hub(path: str) -> str:
    folder, slash, name = path.partition("/")
    return name if slash and folder == "library" and "/" not in name else path


def name_of(image: str) -> str:
    """Strip tag and digest from an image."""
    name = image.split("@", 1)[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.split(":", 1)[0]


def digest_of(image: str, known: Digests | None = None) -> str | None:
    """Give the digest that an image carries, or else the one that its tag was found to stand for."""
    _, at, digest = image.partition("@")
    if at:
        return digest if _DIGEST.fullmatch(digest) else None
    return (known or {}).get(canonical(image))


def is_basics(image: str) -> bool:
    """Tell whether this is the image with which the v4 web interface asks for column names."""
    return name_of(canonical(image)) in BASICS


def listed(entry: str, image: str, digests: Digests | None = None) -> bool:
    """Tell whether an entry of `allowed_algorithms` covers an image: `glob:`, `regex:` and `sha256:`, or as in v4.

    As in v4, an entry with any of `* \\ ? $ ^ [ ] ( ) { } | +` is a regular expression matched from the start, not
    to the end; another one equals the image, or its name without tag and digest, or stands for the same digest.
    """
    if entry.startswith(("glob:", "regex:", "sha256:")) or not _V4_REGULAR.search(entry):
        return covers(entry, image, digests)
    return any(_matches(entry, spelling, whole=False) for spelling in {image, canonical(image)})


def covers(entry: str, image: str, digests: Digests | None = None) -> bool:
    """Tell whether an entry of a rule covers an image.

    `regex:…` must match the whole image, `sha256:…` equals the digest that it carries, and what has `*`, `?` or `[`
    (or begins with `glob:`) is a glob for the image or its name; another entry is the image, its name, or its content.
    """
    spellings = {image, canonical(image)}
    if entry.startswith("regex:"):
        return any(_matches(entry.removeprefix("regex:"), spelling, whole=True) for spelling in spellings)
    if entry.startswith("sha256:"):
        return digest_of(image) == entry
    names = spellings | {name_of(spelling) for spelling in spellings}
    if entry.startswith("glob:") or re.search(r"[*?\[]", entry):
        return any(fnmatchcase(name, entry.removeprefix("glob:")) for name in names)
    return canonical(entry) in names or _same_content(entry, image, digests)


def to_look_up(entry: str, image: str) -> tuple[str, ...]:
    """Name what must be resolved to a digest before `covers` or `listed` can tell: same name, another tag."""
    if entry.startswith(("glob:", "regex:", "sha256:")) or _V4_REGULAR.search(entry):
        return ()
    if name_of(canonical(entry)) != name_of(canonical(image)) or covers(entry, image):
        return ()
    return tuple(canonical(one) for one in (entry, image) if "@" not in one)


def is_open_ended(entry: str) -> bool:
    """Tell whether an entry is a v4 regular expression that also covers images whose names merely begin like it."""
    is_v4 = not entry.startswith(("glob:", "regex:", "sha256:")) and _V4_REGULAR.search(entry) is not None
    return is_v4 and re.search(r"(?<!\\)\$\)*$|/\.\*$", entry) is None


def _same_content(entry: str, image: str, digests: Digests | None) -> bool:
    ours, theirs = digest_of(entry, digests), digest_of(image, digests)
    return ours is not None and ours == theirs and name_of(canonical(entry)) == name_of(canonical(image))


def _matches(pattern: str, text: str, *, whole: bool) -> bool:
    try:
        return (re.fullmatch if whole else re.match)(pattern, text) is not None
    except re.error:
        return False
