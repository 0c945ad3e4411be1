"""Query strings, pages, links."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import Request

from hanse_core.errors import Invalid
from hanse_web.links import Links
from hanse_web.query import Parameters


def parameters(query: str) -> Parameters:
    return Parameters(Request({"type": "http", "path": "/api/x", "query_string": query.encode(), "headers": []}))


@pytest.mark.parametrize("word", ["1", "true", "True", "yes", "on"])
def test_words_for_true(word: str) -> None:
    assert parameters(f"flag={word}").flag("flag")


@pytest.mark.parametrize("word", ["0", "false", "False", "no", ""])
def test_words_for_false(word: str) -> None:
    assert not parameters(f"flag={word}").flag("flag")


def test_a_word_for_neither_is_refused() -> None:
    with pytest.raises(Invalid, match="flag"):
        parameters("flag=perhaps").flag("flag")


def test_of_a_repeated_parameter_the_first_value_counts() -> None:
    assert parameters("task_id=3&task_id=4").integer("task_id") == 3


def test_an_absent_flag_is_neither_true_nor_false() -> None:
    assert parameters("").optional_flag("encrypted") is None
    assert parameters("encrypted=False").optional_flag("encrypted") is False


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T10:00:00.5", datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-01T10:00:00+02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01T10:00:00%2B02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01%2010:00:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_every_usual_form(text: str, moment: datetime) -> None:
    assert parameters(f"since={text}").moment("since") == moment


def test_lists_may_be_repeated_or_separated_by_commas() -> None:
    assert parameters("include=a,b&include=c").several("include") == ["a", "b", "c"]
    assert parameters("include=runs,results").includes("results")
    assert parameters("id=1&id=2,3").integers("id") == [1, 2, 3]
    with pytest.raises(Invalid, match="id"):
        parameters("id=1,x").integers("id")


def test_links_follow_the_configured_path() -> None:
    links = Links("/v4")
    assert links.one("organization", 2).model_dump() == {
        "id": 2,
        "link": "/v4/organization/2",
        "methods": ["GET", "PATCH", "DELETE"],
    }
    assert links.many("task", init_org_id=2) == "/v4/task?init_org_id=2"
    assert links.maybe("study", None) is None


async def test_pages_have_exactly_the_links_that_apply(as_user: Any) -> None:
    root = as_user("root")

    async def relations(page: int) -> list[str]:
        return list((await root.get("/role", params={"per_page": 3, "page": page})).json()["links"])

    assert await relations(1) == ["first", "self", "next", "last"]
    assert await relations(2) == ["first", "previous", "self", "next", "last"]
    assert await relations(3) == ["first", "previous", "self", "last"]
    beyond = await root.get("/role", params={"per_page": 3, "page": 9})
    assert (beyond.status_code, beyond.json()["data"], beyond.headers["total-count"]) == (200, [], "7")
    empty = await root.get("/role", params={"name": "nothing"})
    assert list(empty.json()["links"]) == ["first", "self"]


@pytest.mark.parametrize("query", ["page=0", "per_page=0", "page=-1", "page=99999999999999999999", "sort=password"])
async def test_impossible_pages_and_orders_are_refused(as_user: Any, query: str) -> None:
    answer = await as_user("root").get(f"/user?{query}")
    assert answer.status_code == 400
    assert isinstance(answer.json()["msg"], str)


async def test_ids_in_paths_that_cannot_be_are_unknown_pages(as_user: Any) -> None:
    root = as_user("root")
    for key in ("abc", "-1", "99999999999999999999"):
        answer = await root.get(f"/organization/{key}")
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
    assert (await root.get("/user?role_id=99999999999999999999")).status_code == 400


@pytest.mark.parametrize("text", ["abc", "1.5", "²", "٣", "9" * 19, "1e3", "--1"])
def test_what_is_no_whole_number_of_reasonable_length_is_refused(text: str) -> None:
    for read in (Parameters.integer, Parameters.integers):
        with pytest.raises(Invalid, match="parameter id must be a whole number"):
            read(parameters(urlencode({"id": text})), "id")


def test_a_query_that_no_proxy_would_take_is_refused() -> None:
    with pytest.raises(Invalid, match="at most 8000"):
        parameters("name=" + "%25" * 3000)
