"""What is shared of heads that look alike is what each of them says, and nothing that says who somebody is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory import compose
from tests.support.websockets import HANDSHAKE
from yekta.web.alike import MAX_BYTES, MOST, Alike
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
    assert (key, other_key) == (HANDSHAKE["Sec-WebSocket-Key"], OTHER)


@pytest.mark.parametrize(
    "fields",
    [
        {"Cookie": "token=a"},
        {"Authorization": "Bearer a"},
        {"Sec-WebSocket-Protocol": "token"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Api-Key": "a"},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": "!" * 22 + "=="},
        {"User-Agent": "x" * MAX_BYTES},
        {"Transfer-Encoding": "chunked"},
    ],
    ids=str,
)
def test_nothing_is_shared_that_is_ones_own_or_odd(fields: dict[str, str]) -> None:
    alike, head = Alike(), opening(**fields)
    assert alike.parse(head) == (parse(head), "")
    assert len(alike) == 0


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
