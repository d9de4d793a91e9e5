from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yekta.web.forwarded import (
    MAX_HOPS,
    NOBODY,
    client_address,
    is_secure,
    parse_trusted,
    plainly,
    subscriber,
    whereabouts,
)

TRUSTED = parse_trusted(["127.0.0.1", "10.0.0.0/8", "2001:db8:aa::/48"])
PROXY, CLIENT, FORGED = "127.0.0.1", "203.0.113.7", "198.51.100.66"

ADDRESSES = st.ip_addresses().map(str)
STRANGERS = ADDRESSES.filter(lambda address: address not in TRUSTED and ip_address(address).version == 4)
PROXIES = st.sampled_from(["127.0.0.1", "10.1.2.3", "::ffff:10.9.9.9", "2001:db8:aa::5"])


def address(peer: str, forwarded: str) -> str:
    return client_address(peer, {"x-forwarded-for": forwarded}, TRUSTED)


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (CLIENT, CLIENT),
        (f" {CLIENT} ", CLIENT),
        (f"{CLIENT}:40123", CLIENT),
        (f"{FORGED}, {CLIENT}", CLIENT),
        (f"{FORGED}, {CLIENT}, 10.1.2.3", CLIENT),
        (f"{FORGED},{CLIENT},10.1.2.3,127.0.0.1", CLIENT),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:DB8:0::7]:443", "2001:db8::7"),
        (f"::ffff:{CLIENT}", CLIENT),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%\x1b[31m 200 OK]:80", "fe80::1"),
        (f"{CLIENT}, 2001:db8:aa:1::2", CLIENT),
        # Nobody but proxies: the one furthest away is the client of the others.
        ("10.1.2.3", "10.1.2.3"),
        # Whoever comes before what cannot be read is unknown; the last who is known stands for it.
        ("", PROXY),
        ("unknown", PROXY),
        ("_hidden, 10.1.2.3", "10.1.2.3"),
        (f"{CLIENT}, , 10.1.2.3", "10.1.2.3"),
        ("999.1.1.1", PROXY),
        ("1" * 10_000, PROXY),
        (f"fe80::1%{'a' * 57}, 10.1.2.3", "10.1.2.3"),
        ("[::1", "::1"),
        ("\xe9\x00, 1e3", PROXY),
    ],
)
def test_a_trusted_proxy_says_where_its_client_is(forwarded: str, client: str) -> None:
    assert address(PROXY, forwarded) == client


@pytest.mark.parametrize("peer", [CLIENT, "127.0.0.2", "2001:db8::1", ""])
def test_nobody_else_is_believed(peer: str) -> None:
    headers = {"x-forwarded-for": FORGED, "x-forwarded-proto": "https"}
    assert client_address(peer, headers, TRUSTED) == peer
    assert not is_secure(peer, headers, TRUSTED)


def test_what_is_too_long_for_an_address_is_nobody_s() -> None:
    trusted = parse_trusted(["fe80::/10"])
    assert f"fe80::1%{'a' * 56}" in trusted
    assert f"fe80::1%{'a' * 57}" not in trusted
    assert "unknown" not in trusted


def test_by_default_nobody_is() -> None:
    assert parse_trusted([]) is NOBODY
    headers = {"x-forwarded-for": FORGED, "x-forwarded-proto": "https"}
    for peer in ("127.0.0.1", "::1", ""):
        assert client_address(peer, headers, NOBODY) == peer
        assert not is_secure(peer, headers, NOBODY)


def test_no_header_is_no_word() -> None:
    assert client_address(PROXY, {}, TRUSTED) == PROXY
    assert not is_secure(PROXY, {}, TRUSTED)


@pytest.mark.parametrize(
    ("proto", "secure"),
    [("https", True), ("HTTPS", True), ("http", False), ("http, https", True), ("https,http", False)],
)
def test_a_trusted_proxy_says_whether_its_client_came_over_tls(proto: str, secure: bool) -> None:
    assert is_secure(PROXY, {"x-forwarded-proto": proto}, TRUSTED) is secure


def test_a_unix_socket_has_no_address_but_can_be_trusted() -> None:
    trusted = parse_trusted(["unix"])
    assert client_address("", {"x-forwarded-for": CLIENT}, trusted) == CLIENT
    assert client_address(PROXY, {"x-forwarded-for": CLIENT}, trusted) == PROXY
    assert "" in parse_trusted(["unix", "10.0.0.0/8"])
    assert "" not in TRUSTED


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        (CLIENT, CLIENT),
        (f"::ffff:{CLIENT}", CLIENT),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::7", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_who_has_ipv6_has_a_network_of_it(address: str, whose: str) -> None:
    assert subscriber(address) == whose


def test_an_ipv4_proxy_is_known_on_a_socket_of_both_kinds() -> None:
    assert address("::ffff:127.0.0.1", CLIENT) == CLIENT


def test_a_chain_is_followed_no_further_than_any_is_long() -> None:
    assert address(PROXY, ",".join([CLIENT, *["10.0.0.1"] * (MAX_HOPS - 1)])) == CLIENT
    assert address(PROXY, ",".join([CLIENT, *["10.0.0.1"] * MAX_HOPS])) == "10.0.0.1"


@pytest.mark.parametrize("item", ["proxy.example", "10.0.0.1/8", "::1/129", "", "127.0.0.1:80"])
def test_what_is_no_network_is_refused(item: str) -> None:
    with pytest.raises(ValueError, match=r"appear|bits|expected|permitted|required|must"):
        parse_trusted([item])


@given(st.text(), STRANGERS, st.lists(PROXIES, max_size=MAX_HOPS - 1), PROXIES)
def test_what_a_client_writes_changes_nothing(forged: str, client: str, proxies: list[str], peer: str) -> None:
    chain = ",".join([client, *proxies])
    assert address(peer, f"{forged},{chain}") == address(peer, chain) == client


@given(st.text(), ADDRESSES)
def test_whatever_is_written_the_answer_is_an_address(forwarded: str, peer: str) -> None:
    assert ip_address(address(peer, forwarded))


@pytest.mark.parametrize(
    ("stated", "client"),
    [
        (CLIENT, CLIENT), ("::ffff:203.0.113.7", CLIENT), ("2001:db8:0:0:0:0:0:9", "2001:db8::9"),
        ("fe80::1%any text", "fe80::1"), ("<any text>", PROXY), ("1" * 70_000, PROXY), ("", PROXY),
    ],
)  # fmt: skip
def test_what_the_proxy_protocol_says_is_an_address_or_nothing(stated: str, client: str) -> None:
    assert whereabouts(PROXY, stated, {}, TRUSTED) == (client, False)
    # Only of whom is trusted.
    assert whereabouts(FORGED, stated, {}, TRUSTED) == (FORGED, False)


@pytest.mark.parametrize(("given", "plain"), [(f"::ffff:{CLIENT}", CLIENT), (CLIENT, CLIENT), ("unknown", "unknown")])
def test_an_address_is_spelled_as_usual_and_anything_else_as_it_is(given: str, plain: str) -> None:
    assert plainly(given) == plain
