"""What the stock node's proxy answered its containers, answered again: the half of recordings that no server sees."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from hanse_node.messages import Answer, Forward, Organization

from .conftest import answer

RECORDINGS = Path(__file__).parents[3] / "server" / "tests" / "recordings"
EXCHANGES = [
    exchange
    for name in ("75-proxy-encrypted-subtask", "76-proxy-encrypted-results")
    for exchange in json.loads((RECORDINGS / f"{name}.json").read_text())["exchanges"]
]
SERVER = {
    (exchange["request"]["method"], exchange["request"]["path"]): exchange["response"]
    for exchange in EXCHANGES
    if exchange["request"]["path"].startswith("/api/")
}
CONTAINER = [exchange for exchange in EXCHANGES if not exchange["request"]["path"].startswith("/api/")]


@pytest.mark.parametrize("exchange", CONTAINER, ids=lambda exchange: exchange["request"]["path"])
async def test_a_container_is_answered_as_by_the_proxy_of_a_stock_node(sealed: Any, exchange: dict[str, Any]) -> None:
    served, vault = sealed
    served.uplink.organizations[2] = Organization("alpha", vault.public_key)
    plain = {row["id"]: row["result"] for row in exchange["response"]["body"].get("data", ()) if "result" in row}

    def server(request: Forward) -> Answer:
        recorded = SERVER[request.method, f"/api{request.path}"]
        for row in recorded["body"].get("data", ()) if plain else ():
            row["result"] = vault.seal(base64.b64decode(plain[row["id"]]), vault.public_key)  # for this node to open
        return answer(recorded["body"], recorded["status"], recorded["headers"])

    served.answer(server)
    request = exchange["request"]

    response = await served.ask(
        request["method"], request["path"], params=request.get("query"), json=request.get("body")
    )

    assert (response.status_code, response.json()) == (exchange["response"]["status"], exchange["response"]["body"])
