"""Where a request comes from."""

from ipaddress import ip_network

import pytest

from hanse_web.origin import Origin, origin_of

PROXIES = tuple(map(ip_network, ("10.0.0.0/8", "::1")))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("testclient", "203.0.113.9", "testclient"),
    ],
)
def test_only_trusted_proxies_are_believed_and_only_as_far_as_they_reach(
    peer: str, forwarded: str, address: str
) -> None:
    assert origin_of(peer, {"x-forwarded-for": forwarded}, PROXIES).address == address


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert origin_of("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, ()).address == "127.0.0.1"


def test_one_subscriber_counts_as_one_however_many_addresses_it_has() -> None:
    assert Origin("2001:db8:1:2:3::4").network == Origin("2001:db8:1:2:ffff::").network == "2001:db8:1:2::/64"
    assert Origin("192.0.2.1").network == "192.0.2.1"
    assert Origin("").network == ""


def test_what_the_caller_says_it_is_is_shortened_and_printable() -> None:
    assert origin_of("192.0.2.1", {"user-agent": "curl\x1b[31m" + "x" * 500}, ()).agent == ("curl[31m" + "x" * 112)
