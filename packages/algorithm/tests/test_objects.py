"""Objects of a store that speaks S3 are read as files are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pandas
import pytest

from hanse_algorithm.contract import Contract, Database
from hanse_algorithm.data import read
from hanse_algorithm.errors import DataError
from s3_store import MOTO, s3_store

FRAME = pandas.DataFrame({"age": [10.0, 20.0, None], "sex": ["m", "f", "f"]})
WRITERS: dict[str, Any] = {
    "csv": lambda to: FRAME.to_csv(to, index=False),
    "tsv": lambda to: FRAME.to_csv(to, index=False, sep="\t"),
    "excel": lambda to: FRAME.to_excel(to, index=False),
    "parquet": FRAME.to_parquet,
}


@pytest.fixture(scope="module")
def store(environment: Callable[..., Path]) -> Iterator[str]:
    """A store with a bucket `data`, which holds the frame in each format."""
    with s3_store(environment(MOTO)) as address:
        put(f"{address}/data", b"")
        for kind, write in WRITERS.items():
            content = BytesIO()
            write(content)
            put(f"{address}/data/lung/{kind}", content.getvalue())
        yield address


def put(address: str, content: bytes) -> None:
    urlopen(Request(address, content, {"Content-Type": "application/octet-stream"}, method="PUT"), timeout=20).close()


def database(store: str, kind: str, key: str | None = None) -> Database:
    """Describe one as a run finds it in its environment."""
    variables = {
        "USER_REQUESTED_DATABASE_LABELS": "default",
        "DEFAULT_DATABASE_URI": f"s3://data/lung/{key or kind}",
        "DEFAULT_DATABASE_TYPE": kind,
        "DEFAULT_DB_PARAM_ENDPOINT": store,
        "DEFAULT_DB_PARAM_ACCESS_KEY": "key",
        "DEFAULT_DB_PARAM_SECRET_KEY": "secret",
        "DEFAULT_DB_PARAM_REGION": "us-east-1",
    }
    return Contract(variables).databases()[0]


@pytest.mark.needs("uv")
@pytest.mark.parametrize("kind", WRITERS)
def test_an_object_becomes_a_data_frame(store: str, kind: str) -> None:
    pandas.testing.assert_frame_equal(read("pandas", database(store, kind)), FRAME)


@pytest.mark.needs("uv")
def test_an_object_that_is_not_there_names_the_kind_of_problem_only(store: str) -> None:
    with pytest.raises(DataError, match=r"'default' cannot be read as csv \(FileNotFoundError\)$"):
        read("pandas", database(store, "csv", "nowhere"))


class Proxy(BaseHTTPRequestHandler):
    """Answers every request with the same object, and notes what was asked and as whom."""

    seen: list[tuple[str, str]] = []

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers["Authorization"] or ""))
        content = b"age\n10\n"
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", "Tue, 24 Nov 2026 22:00:00 GMT")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


def test_the_way_out_of_the_run_is_taken_and_without_a_key_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("no_proxy", "localhost")
        try:
            named = database("http://store.example:9000", "csv")
            assert read("pandas", named).to_dict("list") == {"age": [10]}
            assert all("Credential=key/" in who for _, who in Proxy.seen)
            Proxy.seen.clear()
            read("pandas", named._replace(parameters={"endpoint": "http://store.example:9000"}))
        finally:
            server.shutdown()
            serving.join()
    assert {path for path, _ in Proxy.seen} == {"http://store.example:9000/data/lung/csv"}
    assert {who for _, who in Proxy.seen} == {""}
