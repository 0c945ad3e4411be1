"""The transport below Socket.IO, packet by packet, as a peer without a library would speak it."""

import json
import re
from typing import Any

import httpx
import pytest

SEPARATOR = "\x1e"


@pytest.fixture
async def speak(harbour: Any, world: Any) -> Any:
    """Send a recorded request over the network; the session id of our server replaces the recorded one."""
    async with httpx.AsyncClient(base_url=harbour.url) as client:
        sessions: dict[str, str] = {}

        async def send(exchange: dict[str, Any]) -> httpx.Response:
            request = exchange["request"]
            query = dict(request["query"])
            query["sid"] = sessions.get(query.get("sid", ""), query.get("sid", ""))
            headers = {"Authorization": f"Bearer {harbour.token('user', 1)}"}
            given = request["headers"].get("Authorization")
            answer = await client.request(
                request["method"],
                request["path"],
                params={name: value for name, value in query.items() if value},
                content=request["body"],
                headers=headers if given else {},
            )
            if not request["query"].get("sid") and answer.status_code == 200:
                sessions[json.loads(exchange["response"]["body"][1:])["sid"]] = json.loads(answer.text[1:])["sid"]
            return answer

        yield send


def packets(text: str) -> list[str]:
    """Take the packets of a payload apart, without what differs from session to session."""
    return [re.sub(r'"sid":"[^"]*"', '"sid":"*"', one) for one in text.replace("<0x1e>", SEPARATOR).split(SEPARATOR)]


@pytest.mark.replays("54")
async def test_54_the_transport_answers_as_recorded(speak: Any, recording: Any) -> None:
    for exchange in recording("54"):
        answer = await speak(exchange)
        recorded = exchange["response"]
        assert answer.status_code == recorded["status"], exchange["request"]
        ours, theirs = packets(answer.text), packets(recorded["body"])
        if exchange["request"]["query"].get("sid") is None and recorded["status"] == 200:
            mine, other = json.loads(ours[0][1:]), json.loads(theirs[0][1:])
            assert mine.keys() == other.keys()
            assert (mine["upgrades"], mine["pingInterval"]) == (other["upgrades"], other["pingInterval"])
        elif recorded["status"] == 200:
            # Nobody has business in the namespace "/", so it is refused as any unknown one is (quirk 11).
            theirs = ['44"Unable to connect"'] if theirs == ['40{"sid":"*"}'] else theirs
            # Whoever is in several collaborations hears of each of its rooms.
            assert ours[: len(theirs)] == theirs, exchange["request"]
