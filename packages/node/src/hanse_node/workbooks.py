"""The first row of each sheet of an Excel file: read as a stream that is left after it.

Libraries for such files read all of a sheet to learn its size, and the texts of all cells.
"""

from collections.abc import Iterator
from itertools import islice
from typing import IO
from xml.etree.ElementTree import Element, iterparse
from zipfile import ZipFile

ATTRIBUTE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
TEXTS = "xl/sharedStrings.xml"
MOST_COLUMNS = 16_384
"""Excel has no more; a cell that claims to be further out would stand for billions of empty ones."""


def first_rows(path: str) -> dict[str, list[str]]:
    """Give the first row of each sheet; what has no text gets the name that pandas gives such a column."""
    with ZipFile(path) as archive:
        rows = {title: _first_row(archive, member) for title, member in _sheets(archive)}
        wanted = {int(text) for row in rows.values() for kind, text in row.values() if kind == "s"}
        texts = _texts(archive, max(wanted) + 1) if wanted else []
    return {title: list(_named(row, texts)) for title, row in rows.items()}


def _sheets(archive: ZipFile) -> list[tuple[str, str]]:
    """Name the sheets and the members of the archive that hold them, in their order."""
    with archive.open("xl/_rels/workbook.xml.rels") as handle:
        targets = {each.attrib["Id"]: each.attrib["Target"] for each in _elements(handle, "Relationship")}
    with archive.open("xl/workbook.xml") as handle:
        sheets = [(each.attrib["name"], targets[each.attrib[ATTRIBUTE]]) for each in _elements(handle, "sheet")]
    return [(name, target[1:] if target.startswith("/") else f"xl/{target}") for name, target in sheets]


def _first_row(archive: ZipFile, member: str) -> dict[int, tuple[str, str]]:
    """Give type and content of its cells by the number of the column."""
    with archive.open(member) as handle:
        row = next(_elements(handle, "row"), Element("row"))
    return {_column(cell, place): (cell.get("t", "n"), _text(cell)) for place, cell in enumerate(row)}


def _column(cell: Element, place: int) -> int:
    """Read the number of the column from what the cell is called (`B1` is 1); else it is its place."""
    number = 0
    for letter in filter(str.isalpha, cell.get("r", "")):
        number = number * 26 + ord(letter) - ord("A") + 1
    number = number - 1 if number else place
    if number >= MOST_COLUMNS:
        raise ValueError("a cell lies beyond the last column that there can be")
    return number


def _named(row: dict[int, tuple[str, str]], texts: list[str]) -> Iterator[str]:
    for number in range(max(row, default=-1) + 1):
        kind, text = row.get(number, ("n", ""))
        yield (texts[int(text)] if kind == "s" else text) or f"Unnamed: {number}"


def _texts(archive: ZipFile, count: int) -> list[str]:
    with archive.open(TEXTS) as handle:
        return [_text(each) for each in islice(_elements(handle, "si"), count)]


def _text(element: Element) -> str:
    """Join what is written in an element, without how it is pronounced."""
    if _tag(element) == "rPh":
        return ""
    own = element.text or "" if _tag(element) in ("t", "v") else ""
    return own + "".join(map(_text, element))


def _elements(handle: IO[bytes], tag: str) -> Iterator[Element]:
    # The file is the station's own, and expat itself ends entities that grow without bound.
    return (element for _, element in iterparse(handle) if _tag(element) == tag)  # noqa: S314


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
