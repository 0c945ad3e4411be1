"""Which destinations the ways of a run lead to."""

from ipaddress import ip_address
from typing import Any

import pytest
from pydantic import ValidationError

from hanse_node.egress.rules import Destination, Refused, permitted, way_to
from hanse_node.egress_settings import HttpProxy, Way

WAY = Way.model_validate(
    {
        "domains": ["terminology.example", "*.below.example", ".both.example", "UPPER.example."],
        "addresses": ["192.0.2.0/24", "2001:db8::1"],
        "ports": [443, 8443],
    }
)


@pytest.mark.parametrize(
    "host",
    [
        "terminology.example", "TERMINOLOGY.example", "terminology.example.", "a.below.example", "a.b.below.example",
        "both.example", "a.both.example", "upper.example", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1",
    ],
)  # fmt: skip
def test_what_is_listed_is_reached(host: str) -> None:
    assert way_to({"w": WAY}, Destination(host, 8443)) == ("w", WAY)


@pytest.mark.parametrize(
    "host",
    [
        "example", "a.terminology.example", "terminology.example.org", "xterminology.example", "below.example",
        "evilbelow.example", "evilboth.example", "192.0.3.7", "2001:db8::2", "3221226023", "0xc0.0.2.7", "192.0.2",
        "2002:c000:0207::", "64:ff9b::192.0.2.7", "terminology.example\x00.evil", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_not(host: str) -> None:
    with pytest.raises(Refused) as refused:
        way_to({"w": WAY, "other": WAY}, Destination(host, 443))
    assert refused.value.rule == "egress: w, other"


def test_another_port_is_refused_by_the_name_of_the_rule() -> None:
    with pytest.raises(Refused, match=r"port 22 of terminology\.example.*rule: egress\.w\.ports"):
        way_to({"w": WAY}, Destination("terminology.example", 22))


def test_the_second_way_counts_where_the_first_has_another_port() -> None:
    plain = Way.model_validate({"domains": "terminology.example", "ports": 80})
    assert way_to({"w": WAY, "plain": plain}, Destination("terminology.example", 80))[0] == "plain"


INNER = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "169.254.169.254", "169.254.1.1", "fe80::1",
    "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255", "ff02::1", "198.19.7.9",
    "2002:7f00:1::", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize("address", INNER)
def test_a_name_never_leads_inside(address: str) -> None:
    ways = {"w": WAY, "wide": Way.model_validate({"addresses": ["0.0.0.0/0", "::/0"]})}
    with pytest.raises(Refused) as refused:
        permitted(ways, Destination("terminology.example", 443), [ip_address(address)], ["198.19.7.0/24"])
    assert refused.value.rule == "egress: inner addresses"
    assert f"may not be reached: {ip_address(address)} is " in refused.value.message


def test_of_several_addresses_the_good_ones_are_used() -> None:
    both = [ip_address("127.0.0.1"), ip_address("203.0.113.9"), ip_address("10.1.2.3")]
    assert permitted({"w": WAY}, Destination("terminology.example", 443), both, []) == both[1:]


def test_an_inner_address_is_reached_when_it_alone_is_listed_and_at_its_ports() -> None:
    own = Way.model_validate({"addresses": "127.0.0.1", "ports": 5432})
    inner = [ip_address("127.0.0.1")]
    assert permitted({"own": own}, Destination("127.0.0.1", 5432), inner, ["127.0.0.1"]) == inner
    with pytest.raises(Refused):
        permitted({"own": own}, Destination("127.0.0.1", 80), inner, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"domains": "*"}, {"domains": "*.*.example"}, {"domains": "http://x.example"}, {"domains": "10.0.0.1"},
        {"domains": "x.example", "ports": 0}, {"addresses": "10.0.0.1/8"}, {"addresses": "x.example"},
    ],
)  # fmt: skip
def test_a_way_that_cannot_be_meant_is_named(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Way.model_validate(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "proxy:3128"}, {"url": "socks5://proxy:3128"}, {"url": "http://u:p@proxy"},
        {"url": "http://proxy", "username": "u"}, {"url": "http://proxy", "password": "p"},
        {"url": "http://proxy", "username": "u", "password": "p", "password_file": "f"},
    ],
)  # fmt: skip
def test_a_proxy_that_cannot_be_meant_is_named(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        HttpProxy.model_validate(wrong)


def test_the_credentials_of_a_proxy_fit_into_its_address() -> None:
    proxy = HttpProxy.model_validate({"url": "http://proxy:3128", "username": "u@x", "password": "a:b/c"})
    assert proxy.full_url() == "http://u%40x:a%3Ab%2Fc@proxy:3128"
