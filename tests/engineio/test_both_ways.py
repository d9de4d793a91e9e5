"""The short path of HTTP and twisted.web give the same answers to the same bytes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.engines import Gateway, User
from tests.support.memory import compose
from tests.support.websockets import HANDSHAKE
from yekta.engineio.settings import Cookie
from yekta.web.origins import Origins
from yekta.web.request import Request

POLL = "/socket.io/?EIO=4&transport=polling"
KNOWN = POLL + "&sid=sid-0"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
PAGE = {"Origin": "http://app.example"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CHUNKED = {"Transfer-Encoding": "chunked"}

OPEN = compose("GET", POLL)

# What one client sends on one connection, one piece after the other.
CONVERSATIONS: dict[str, list[bytes]] = {
    "handshake": [OPEN],
    "a page's handshake": [compose("GET", POLL, PAGE)],
    "a stranger's page": [compose("GET", POLL, {"Origin": "http://evil.example"})],
    "an Origin that is not ASCII": [compose("GET", POLL, {"Origin": "http://\xe9"})],
    "preflight": [compose("OPTIONS", POLL, PAGE)],
    "echo": [OPEN, compose("POST", KNOWN, body=b"4a\x1e4b"), compose("GET", KNOWN)],
    "echo of bytes": [OPEN, compose("POST", KNOWN, body=b"bAQID"), compose("GET", KNOWN)],
    "all at once": [OPEN + compose("POST", KNOWN, body=b"4a") + compose("GET", KNOWN)],
    "a long answer": [OPEN, compose("POST", KNOWN, body=b"4" + b"x" * 3000), compose("GET", KNOWN)],
    "compressed": [
        OPEN, compose("POST", KNOWN, body=b"4" + b"x" * 3000), compose("GET", KNOWN, {"Accept-Encoding": "gzip"}),
    ],
    "chunks": [OPEN, compose("POST", KNOWN, CHUNKED, b"2\r\n4a\r\n0\r\n\r\n"), compose("GET", KNOWN)],
    "JSONP": [
        compose("GET", POLL + "&j=3"), compose("POST", KNOWN + "&j=3", FORM, b"d=4a"), compose("GET", KNOWN + "&j=3"),
    ],
    "poll that waits": [OPEN, compose("GET", KNOWN)],
    "a payload that is none": [OPEN, compose("POST", KNOWN, body=b"xyz")],
    "a payload that is not UTF-8": [OPEN, compose("POST", KNOWN, body=b"4\xff")],
    "too large": [OPEN, compose("POST", KNOWN, {"Content-Length": "5001"})],
    "an empty POST": [OPEN, compose("POST", KNOWN, {"Content-Length": "0"})],
    "PUT": [OPEN, compose("PUT", KNOWN, body=b"4a")],
    "the end": [OPEN, compose("GET", KNOWN, {"Connection": "close"}) , compose("POST", KNOWN, body=b"1")],
    "the end of the connection": [compose("GET", POLL, {"Connection": "close"})],
    "unknown transport": [compose("GET", "/socket.io/?EIO=4&transport=pigeon")],
    "unknown sid": [compose("GET", POLL + "&sid=nobody")],
    "unknown protocol": [compose("GET", "/socket.io/?EIO=5&transport=polling")],
    "bad method": [compose("POST", POLL, body=b"4")],
    "too many fields": [compose("GET", POLL + "&a" * 70)],
    "no query": [compose("GET", "/socket.io/")],
    "escapes": [compose("GET", "/socket.io/?%45IO=4&transport=poll%69ng")],
    "HTTP/1.0": [compose("GET", POLL).replace(b"HTTP/1.1", b"HTTP/1.0")],
    "HEAD": [compose("HEAD", POLL)],
    "WebSocket": [compose("GET", WEBSOCKET, HANDSHAKE)],
    "a page's WebSocket": [compose("GET", WEBSOCKET, {**HANDSHAKE, **PAGE})],
    "WebSocket with a protocol": [compose("GET", WEBSOCKET, {**HANDSHAKE, "Sec-WebSocket-Protocol": "a"})],
    "WebSocket without a key": [compose("GET", WEBSOCKET, {**HANDSHAKE, "Sec-WebSocket-Key": ""})],
    "WebSocket of an old version": [compose("GET", WEBSOCKET, {**HANDSHAKE, "Sec-WebSocket-Version": "8"})],
    "WebSocket for polling": [compose("GET", POLL, HANDSHAKE)],
    "polling for WebSocket": [compose("GET", WEBSOCKET)],
    "a stranger's WebSocket": [compose("GET", WEBSOCKET, {**HANDSHAKE, "Origin": "http://evil.example"})],
    "no HTTP": [b"\x16\x03\x01\r\n\r\n"],
    "a folded line": [compose("GET", POLL, {"X": "a\r\n b"})],
    "two lengths": [compose("POST", POLL, {"Content-Length": "1\r\nContent-Length: 1"}, b"4")],
    "a bare LF": [compose("GET", POLL, {"X": "a\nY: b"})],
}


def echo(user: User, data: Any) -> None:
    user.connection.send(data)


def talk(pieces: list[bytes], *, short: bool, **settings: Any) -> tuple[list[bytes], bool, list[Any]]:
    """What the server sends, without what tells twisted.web apart; whether it hangs up; what the application hears."""
    ids = (f"sid-{number}" for number in count())
    origins = Origins(("http://app.example",))
    settings |= {"origins": origins, "generate_id": lambda: next(ids), "max_payload": 5000, "http_compression": 1024}
    gateway = Gateway(echo, short=short, **settings)
    client = gateway.client()
    for piece in pieces:
        client.send(piece)
        gateway.turn()
    told = [user.told for user in gateway.users]
    lost = client.transport.lost is not None
    said = list(normal(client.unread()))
    gateway.end()
    return said, lost, told


def normal(data: bytes) -> Iterator[bytes]:
    """Each answer, its fields in order of their names, without ``Server`` and ``Date``; bodies as they were."""
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *fields = head.split(b"\r\n")
        names = {field.partition(b":")[0].lower(): field for field in fields}
        yield first
        yield from sorted(field for name, field in names.items() if name != b"date")
        if first.startswith(b"HTTP/1.1 101"):
            yield data
            return
        size = int(names.get(b"content-length", b":0").partition(b":")[2])
        body, data = data[:size], data[size:]
        yield gzip.decompress(body) if b"content-encoding" in names else body


@pytest.mark.parametrize("pieces", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_both_ways_give_the_same_answers(pieces: list[bytes]) -> None:
    assert talk(pieces, short=True) == talk(pieces, short=False)


@pytest.mark.parametrize("name", ["handshake", "echo", "WebSocket", "a stranger's page", "unknown sid"])
@pytest.mark.parametrize("later", [False, True])
def test_also_where_somebody_has_to_think(name: str, later: bool) -> None:
    async def think(request: Request) -> bool:
        if later:
            waiting: Deferred[None] = Deferred()
            waiting.callback(None)
            await waiting
        return "evil" not in request.query

    settings: dict[str, Any] = {"allow_request": think, "cookie": Cookie()}
    pieces = CONVERSATIONS[name]
    assert talk(pieces, short=True, **settings) == talk(pieces, short=False, **settings)


def test_conversations_that_are_plain_are_short_and_others_are_not() -> None:
    gateway = Gateway()
    kinds = []
    for name in ("handshake", "preflight", "a folded line"):
        client = gateway.client()
        client.send(CONVERSATIONS[name][0])
        kinds.append(type(client.transport.protocol).__name__)
    assert kinds == ["Front", "Channel", "Channel"]
    gateway.end()
