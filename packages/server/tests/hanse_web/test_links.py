"""References to objects."""

from hanse_server.main import openapi_schema
from hanse_web.links import METHODS, Links

ORDER = ("GET", "PATCH", "DELETE")


def test_links_name_the_methods_that_their_objects_have_always_in_the_same_order() -> None:
    """The stock server names them in any order, and some that do not exist (quirk 41)."""
    had: dict[str, list[str]] = {}
    for path, operations in openapi_schema()["paths"].items():
        _, _, kind, *key = path.split("/")
        if kind in METHODS and len(key) == 1 and key[0].startswith("{"):
            had[kind] = [method for method in ORDER if method.lower() in operations]

    assert had == METHODS


def test_links_are_written_alike_for_lists_and_single_objects() -> None:
    links = Links()

    assert links.plain("task", 7) == links.one("task", 7).model_dump()
    assert links.one("task", 7).methods == ["GET", "DELETE"]
