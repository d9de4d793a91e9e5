"""What is shared of heads that look alike is what each of them says, and nothing that says who somebody is."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory import compose
from tests.support.websockets import HANDSHAKE
from yekta.web.alike import MAX_BYTES, MOST, Alike
from yekta.web.personal import Personal
from yekta.web.plain import parse
from yekta.web.request import KEY

TARGET = "/socket.io/?EIO=4&transport=websocket"
OTHER = "AAAAAAAAAAAAAAAAAAAAAA=="
BROWSER = {
    "User-Agent": "Mozilla/5.0",
    "Origin": "https://app.example",
    "Accept-Encoding": "gzip, br",
    "Sec-Fetch-Mode": "websocket",
    "Sec-CH-UA-Platform": "x",
    "Sec-WebSocket-Extensions": "permessage-deflate",
}


def opening(target: str = TARGET, **fields: str) -> bytes:
    return compose("GET", target, {**HANDSHAKE, **fields})


@pytest.mark.parametrize("fields", [{}, BROWSER])
def test_heads_that_differ_in_their_key_share_their_fields(fields: dict[str, str]) -> None:
    alike = Alike()
    one, key = alike.parse(opening(**fields))
    other, other_key = alike.parse(opening("/ws?token=a", **fields, **{"Sec-WebSocket-Key": OTHER}))
    assert one is not None
    assert other is not None
    assert one.headers is other.headers
    assert (one.target, other.target) == (TARGET, "/ws?token=a")
    assert (other.method, other.length, other.close) == ("GET", 0, False)
    assert (key, other_key) == (HANDSHAKE["Sec-WebSocket-Key"], OTHER)


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
def test_another_method_with_the_same_fields_is_read_as_what_it_is(method: str) -> None:
    alike = Alike()
    alike.parse(opening())
    head = method.encode() + opening().removeprefix(b"GET")
    assert alike.parse(head) == (parse(head), "")


@pytest.mark.parametrize("names", [["X-Forwarded-For"], ["x-forwarded-for"], ["X-Real-IP", "X-Forwarded-For"]])
@pytest.mark.parametrize("is_known", [True, False])
def test_where_a_proxy_says_that_a_client_is_does_not_keep_it_from_sharing_the_rest(
    names: list[str], is_known: bool
) -> None:
    alike, proto, shared = Alike(), {"X-Forwarded-Proto": "https"}, []
    if is_known:
        alike.parse(opening(**BROWSER, **proto))
    for value in ("203.0.113.7", "2001:db8::7, 203.0.113.7"):
        line, _, rest = opening(**BROWSER, **proto).partition(b"\r\n")
        head = b"\r\n".join([line, *(f"{name}: {value}".encode() for name in names), rest])
        read, key = alike.parse(head)
        assert read is not None
        assert all(read.headers.get(name.lower()) == read.headers[name.lower()] == value for name in names)
        said = parse(head)
        assert said is not None
        assert attrs.evolve(read, headers={**read.headers, KEY: key}) == said
        assert (len(read.headers), "x-real-ip" in read.headers) == (len(said.headers) - 1, "X-Real-IP" in names)
        shared.append(read.headers)
        while isinstance(shared[-1], Personal):
            shared[-1] = shared[-1].shared
    assert shared[0] is shared[1]
    assert len(alike) == 1


def test_an_address_in_another_field_is_not_where_a_client_is() -> None:
    read, key = Alike().parse(head := opening(Host="1.2.3.4"))
    said = parse(head)
    assert read is not None
    assert said is not None
    assert {**read.headers, KEY: key} == said.headers


@pytest.mark.parametrize("more", [0, 1])
def test_only_heads_up_to_a_length_are_shared(more: int) -> None:
    alike = Alike()
    alike.parse(opening(**{"User-Agent": "x" * (MAX_BYTES - len(opening(**{"User-Agent": ""})) + more)}))
    assert len(alike) == 1 - more


@pytest.mark.parametrize(
    "fields",
    [
        {"Cookie": "token=a"},
        {"Authorization": "Bearer a"},
        {"Sec-WebSocket-Protocol": "token"},
        {"X-Forwarded-For": "unknown"},
        {"X-Forwarded-For": "203.0.113.7, x"},
        {"X-Forwarded-For": "203.0.113.7", "x-forwarded-for": "198.51.100.1"},
        {"X-Real-IP": "203.0.113.7:80 "},
        {"Forwarded": "for=203.0.113.7"},
        {"X-Api-Key": "a"},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": "!" * 22 + "=="},
        {"User-Agent": "x" * MAX_BYTES},
        {"Transfer-Encoding": "chunked"},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_known", [True, False])
def test_nothing_is_shared_that_is_ones_own_or_odd(fields: dict[str, str], is_known: bool) -> None:
    alike, head = Alike(), opening(**fields)
    if is_known:
        alike.parse(opening())
    assert alike.parse(head) == (parse(head), "")
    assert len(alike) == is_known


def test_only_so_many_kinds_of_fields_are_remembered() -> None:
    alike, sizes = Alike(), []
    for number in range(2 * MOST):
        alike.parse(opening(**{"User-Agent": str(number)}))
        sizes.append(len(alike))
    assert max(sizes) == len(alike) == MOST


PARTS = (
    b"\r\nSec-WebSocket-Key: ",
    b"dGhlIHNhbXBsZSBub25jZQ==",
    b"\r\n",
    b"GET / HTTP/1.1",
    b"POST / HTTP/1.1",
    b"\r\nHost: a",
    b"\r\nX-Forwarded-For: ",
    b"\nX-Real-IP: 1.2.3.4\r",
    b"1.2.3.4",
    b", ",
    b"\n",
    b" ",
    b"-",
)


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(PARTS)).map(b"".join))
def test_it_reads_what_is_said(head: bytes) -> None:
    alike, whole = Alike(), head + b"\r\n\r\n"
    # What was learnt from others changes nothing.
    for learnt in (opening(), whole, whole):
        shared, key = alike.parse(learnt)
    read = parse(whole)
    if key:
        assert read is not None
        assert read.headers[KEY] == key
        read.headers = {name: value for name, value in read.headers.items() if name != KEY}
        assert shared is not None
        shared.headers = dict(shared.headers)
    assert shared == read
