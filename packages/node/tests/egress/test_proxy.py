"""The HTTP proxy of a run, over real sockets."""

import socket
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from hanse_node.policy.decision import Terms
from hanse_node.runtimes.base import StartFailed
from hanse_node.sources import Selection
from squid import squid
from waiting import until

OK = b"HTTP/1.1 200 Connection established\r\n\r\n"


def connect(destination: str) -> bytes:
    return f"CONNECT {destination} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def way(world: Any, **more: Any) -> dict[str, Any]:
    listed = {"domains": ["terminology.example"], "addresses": ["127.0.0.1"], "ports": [world.port], **more}
    return {"way": listed}


@pytest.fixture
async def opened(station: Any, world: Any) -> Any:
    """A station that leads one run to the world, by name and by address."""
    station.names["terminology.example"] = ["127.0.0.1"]
    await station.open(egress=way(world))
    return station


class TestListed:
    async def test_a_tunnel_carries_both_ways_to_a_name(self, opened: Any, world: Any) -> None:
        reader, writer = await opened.line()
        writer.write(f"CONNECT terminology.example:{world.port} HTTP/1.1\r\nHost: x\r\n\r\nmore".encode())
        assert await reader.readexactly(len(OK)) == OK
        writer.write(b"\x00 secret \xff\r\n\r\n")
        assert await reader.read() == world.answer
        assert world.heard == [b"more\x00 secret \xff\r\n\r\n"]
        writer.close()

    async def test_a_plain_request_arrives_as_from_the_client_itself(self, opened: Any, world: Any) -> None:
        address = f"terminology.example:{world.port}".encode()
        request = (
            b"POST http://" + address + b"/a/b?c=d HTTP/1.1\r\nHost: evil.example\r\nAccept: x\r\nContent-Length: 4\r\n"
            b"Proxy-Authorization: Basic eDp5\r\nConnection: keep-alive, x-own, content-length\r\nX-Own: 1\r\n\r\nbody"
        )
        world.ends = b"body"
        assert await opened.say(request) == world.answer
        (heard,) = world.heard
        head, _, body = heard.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        assert lines[0] == b"post /a/b?c=d http/1.1"
        assert set(lines[1:]) == {b"host: " + address, b"accept: x", b"content-length: 4", b"connection: close"}
        assert body == b"body"

    async def test_a_body_in_chunks_arrives(self, opened: Any, world: Any) -> None:
        head = f"PUT http://127.0.0.1:{world.port}/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        world.ends = b"0\r\n\r\n"
        reader, writer = await opened.line()
        writer.write(head + b"4\r\nmore\r\n")
        await until(lambda: world.heard and world.heard[0].endswith(b"4\r\nmore\r\n"))
        writer.write(b"3\r\nend\r\n0\r\n\r\n")
        assert await reader.read() == world.answer
        assert world.heard[0].endswith(b"\r\n\r\n4\r\nmore\r\n3\r\nend\r\n0\r\n\r\n")
        writer.close()

    async def test_one_connection_carries_one_request(self, opened: Any, world: Any) -> None:
        two = b"GET http://evil.example/2 HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        one = f"GET http://terminology.example:{world.port}/1 HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        assert await opened.say(one + two) == world.answer
        assert len(world.heard) == 1
        assert b"evil" not in world.heard[0]
        assert opened.asked == ["terminology.example"]

    async def test_a_database_gives_its_ways_to_who_selects_it(self, station: Any, world: Any) -> None:
        station.names["terminology.example"] = ["127.0.0.1"]
        databases = [
            {"label": "default", "uri": "x", "type": "sparql", "egress": ["way"]},
            {"label": "other", "uri": "x", "type": "sparql"},
        ]
        await station.open(gives=(), egress=way(world), databases=databases)
        assert await station.say(connect(f"terminology.example:{world.port}") + b"hi\r\n\r\n") == OK + world.answer
        (folder := station.folder / "8").mkdir()
        assert await station.ways.open(8, folder, Terms(), [Selection("other", "sparql", "x", False)]) == ()
        assert not list(folder.iterdir())

    async def test_a_way_that_the_settings_do_not_define_keeps_the_run_from_starting(self, station: Any) -> None:
        with pytest.raises(StartFailed, match="do not define: way"):
            await station.open()


class TestRefused:
    @pytest.mark.parametrize(
        ("destination", "rule"),
        [
            ("evil.example:{port}", "egress: way"),
            ("evil.terminology.example:{port}", "egress: way"),
            ("192.0.2.1:{port}", "egress: way"),
            ("[::1]:{port}", "egress: way"),
            ("terminology.example:22", "egress.way.ports"),
            ("127.0.0.1:22", "egress.way.ports"),
            ("user@127.0.0.1:22", "egress.way.ports"),
        ],
    )
    @pytest.mark.parametrize("form", ["CONNECT {} HTTP/1.1", "GET http://{}/x HTTP/1.1"])
    async def test_what_is_not_listed_is_answered_403_with_the_rule_and_not_looked_up(
        self, opened: Any, world: Any, destination: str, rule: str, form: str
    ) -> None:
        line = form.format(destination.format(port=world.port))
        answer = (await opened.say(f"{line}\r\nHost: terminology.example\r\n\r\n".encode())).decode()
        status, _, rest = answer.partition("\r\n")
        assert status == f"HTTP/1.1 403 Refused by this station - {rule}"
        assert f"(rule: {rule})" in rest
        assert (opened.asked, world.heard) == ([], [])

    @pytest.mark.parametrize(
        "address", ["127.0.0.2", "::1", "169.254.169.254", "198.19.7.3", "0.0.0.0", "::ffff:127.0.0.2"]
    )
    async def test_a_name_that_leads_inside_is_refused(self, opened: Any, world: Any, address: str) -> None:
        opened.names["terminology.example"] = [address]
        answer = await opened.say(connect(f"terminology.example:{world.port}"))
        assert answer.startswith(b"HTTP/1.1 403 Refused by this station - egress: inner addresses")
        assert world.heard == []

    async def test_what_was_judged_is_what_is_connected_to(self, opened: Any, world: Any) -> None:
        """Neither an address that was judged bad, nor what the name would answer at a second question."""
        answers = iter([["127.0.0.2", "127.0.0.1"], ["127.0.0.2"]])

        class Changing(dict[str, Any]):
            def __getitem__(self, name: str) -> Any:
                return next(answers)

        opened.names = Changing()
        with capture_logs() as logs:
            async with type(world)().listening("127.0.0.2", world.port) as inside:
                answer = await opened.say(connect(f"terminology.example:{world.port}") + b"hi\r\n\r\n")
        assert answer == OK + world.answer
        assert (opened.asked, world.heard, inside.heard) == (["terminology.example"], [b"hi\r\n\r\n"], [])
        assert [line["peer"] for line in logs if line["event"] == "egress_opened"] == ["127.0.0.1"]

    @pytest.mark.parametrize(
        "request_",
        [
            b"GET / HTTP/1.1\r\nHost: terminology.example\r\n\r\n",
            b"GET https://terminology.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
            b"CONNECT terminology.example HTTP/1.1\r\nHost: x\r\n\r\n",
            b"CONNECT terminology.example:99999 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
            b"GET http://terminology.example/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"GET http://terminology.example/ HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
        ],
    )
    async def test_what_is_no_request_to_a_proxy_is_answered_400(self, opened: Any, request_: bytes) -> None:
        assert (await opened.say(request_)).startswith(b"HTTP/1.1 400 ")
        assert opened.asked == []

    async def test_a_listed_destination_that_is_away_is_answered_502(self, station: Any) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            await station.open(egress={"way": {"addresses": "127.0.0.1", "ports": port}})
            answer = await station.say(connect(f"127.0.0.1:{port}"))
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"cannot be reached" in answer

    async def test_the_run_of_another_socket_has_its_own_ways(self, station: Any, world: Any) -> None:
        other = {"addresses": ["127.0.0.2"], "ports": [world.port]}
        await station.open(egress={**way(world), "other": other})
        await station.open(8, gives=("other",))
        request = connect(f"127.0.0.1:{world.port}") + b"hi\r\n\r\n"
        assert (await station.say(request, 8)).startswith(b"HTTP/1.1 403 Refused by this station - egress: other\r\n")
        assert await station.say(request, 7) == OK + world.answer

    async def test_a_run_without_ways_has_no_socket(self, opened: Any) -> None:
        assert await opened.open(8, gives=()) == ()
        assert not list((opened.folder / "8").iterdir())


class TestTheLog:
    async def test_it_tells_destination_and_bytes_and_never_content(self, opened: Any, world: Any) -> None:
        with capture_logs() as logs:
            await opened.say(
                f"CONNECT terminology.example:{world.port} HTTP/1.1\r\nHost: x\r\n\r\nCANARY\r\n\r\n".encode()
            )
            await opened.say(b"GET http://evil.example/CANARY HTTP/1.1\r\nHost: x\r\nCookie: CANARY\r\n\r\n")
            await until(lambda: "egress_closed" in [line["event"] for line in logs])
        events = {line["event"]: line for line in logs}
        destination = f"terminology.example:{world.port}"
        assert events["egress_opened"] == {
            "event": "egress_opened", "log_level": "info", "run_id": 7, "destination": destination, "way": "way",
            "peer": "127.0.0.1",
        }  # fmt: skip
        assert events["egress_closed"]["destination"] == destination
        assert (events["egress_closed"]["sent"], events["egress_closed"]["received"]) == (10, len(world.answer))
        assert events["egress_refused"]["destination"] == "evil.example:80"
        assert events["egress_refused"]["rule"] == "egress: way"
        assert "CANARY" not in str(logs)


class TestTheEnd:
    async def test_with_the_run_its_connections_end(self, opened: Any, world: Any) -> None:
        reader, writer = await opened.line()
        writer.write(connect(f"127.0.0.1:{world.port}"))
        await reader.readexactly(len(OK))
        await opened.ways.close(7)
        assert await reader.read() == b""
        assert not (opened.folder / "7" / "egress").exists()
        writer.close()


@pytest.mark.needs("squid")
class TestThroughSquid:
    """The station's way on is a proxy that wants a password, and that resolves names itself."""

    async def test_a_tunnel_and_a_plain_request_go_on_through_it(self, station: Any, world: Any, a_squid: Any) -> None:
        await station.open(egress=way(world, through_proxy=True), proxy=a_squid.settings())
        address = f"terminology.example:{world.port}"
        tunnelled = await station.say(connect(address) + b"hi\r\n\r\n")
        plain = await station.say(f"GET http://{address}/x HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert tunnelled == OK + world.answer
        assert plain.startswith(b"HTTP/1.1 200 OK")
        assert b"geheim" not in b"".join(world.heard)
        assert station.asked == []
        for told in (f"station CONNECT {address} 200", f"station GET http://{address}/x 200"):
            await until(lambda told=told: told in a_squid.told())

    async def test_what_is_not_listed_never_gets_there(self, station: Any, world: Any, a_squid: Any) -> None:
        await station.open(egress=way(world, through_proxy=True), proxy=a_squid.settings())
        refused = ("evil.example:443", "169.254.169.254:80", "terminology.example:22")
        for destination in refused:
            assert (await station.say(connect(destination))).startswith(b"HTTP/1.1 403 ")
        last = f"http://terminology.example:{world.port}/last"
        await station.say(f"GET {last} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await until(lambda: f"station GET {last} 200" in a_squid.told())
        assert not {line.split()[2] for line in a_squid.told()} & set(refused)

    async def test_a_wrong_password_is_told_with_the_name_of_the_proxy(
        self, station: Any, world: Any, a_squid: Any
    ) -> None:
        await station.open(egress=way(world, through_proxy=True), proxy=a_squid.settings(password="wrong"))
        answer = await station.say(connect(f"terminology.example:{world.port}"))
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert f"the proxy {a_squid.url} does not accept the username and password".encode() in answer
        assert world.heard == []

    async def test_one_with_a_certificate_of_a_private_authority_is_believed_when_that_is_named(
        self, station: Any, world: Any, certificate: Path
    ) -> None:
        said = connect(f"terminology.example:{world.port}") + b"hi\r\n\r\n"
        with squid({"terminology.example": "127.0.0.1"}, certificate=certificate) as secured:
            trusting: dict[str, Any] = {"egress": way(world, through_proxy=True), "proxy": secured.settings()}
            await station.open(**trusting, ca_file=certificate)
            assert await station.say(said) == OK + world.answer
            await station.ways.close_all()
            station.ways = None
            await station.open(**trusting)
            refused = await station.say(said)
        assert refused.startswith(b"HTTP/1.1 502 ")
        assert b"certificate verify failed" in refused
        assert len(world.heard) == 1

    async def test_a_proxy_that_is_away_is_named(self, station: Any, world: Any) -> None:
        await station.open(egress=way(world, through_proxy=True), proxy={"url": "http://127.0.0.1:1"})
        answer = await station.say(connect(f"terminology.example:{world.port}"))
        assert b"the proxy http://127.0.0.1:1 cannot be reached" in answer
