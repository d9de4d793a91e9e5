"""How a client says goodbye, by a close frame, and what it is answered. Every timer is a Clock's."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.task import Clock

from tests.support.memory import MemoryTransport, compose
from tests.support.websockets import CLOSE, HANDSHAKE, TEXT, Recorder, client_frame, close_payload, connect
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits


@pytest.mark.parametrize(
    "said",
    [b"", close_payload(1000), close_payload(1001), close_payload(1000, "bye"), close_payload(4321, "خداحافظ")],
)
def test_a_goodbye_is_answered_with_the_same(clock: Clock, said: bytes) -> None:
    recorder, client = connect(WebSocketFactory(clock, Limits()), clock)
    client.send(client_frame(CLOSE, said))
    assert client.frames() == [(CLOSE, said)]
    clock.advance(0)
    code = int.from_bytes(said[:2], "big") if said else 1005
    assert recorder.told[1:] == [("lost", code, said[2:].decode())]


@pytest.mark.parametrize(
    ("said", "code"),
    [(close_payload(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535)]
    + [(b"\3", 1002), (close_payload(1000) + b"\xff", 1007), (close_payload(1000, "a" * 124), 1002)],
)
def test_a_goodbye_that_breaks_the_rules_is_told_so_before_the_connection_ends(
    clock: Clock, said: bytes, code: int
) -> None:
    recorder, client = connect(WebSocketFactory(clock, Limits()), clock)
    client.send(client_frame(CLOSE, said))
    close = client.close()
    assert close is not None
    assert close[0] == code
    clock.advance(0)
    # Not cut: what is not sent yet would be lost.
    assert client.transport.lost is ConnectionDone
    assert recorder.told[1:] == [("lost", 1006, "protocol violated")]


def test_a_goodbye_that_comes_along_with_what_ended_it_is_answered_once(clock: Clock) -> None:
    closing = Recorder(lambda it, text: it.websocket.close(4401, "logged out"))
    recorder, client = connect(WebSocketFactory(clock, Limits()), clock, closing)
    client.send(client_frame(TEXT, b"a") + client_frame(CLOSE, close_payload(1000)))
    assert client.frames() == [(CLOSE, close_payload(4401, "logged out"))]
    clock.advance(0)
    assert client.transport.lost is ConnectionDone
    assert recorder.told[1:] == [("text", "a"), ("lost", 1000, "")]


def test_a_client_that_says_goodbye_but_reads_nothing_is_cut(clock: Clock) -> None:
    recorder, client = connect(WebSocketFactory(clock, Limits(close_timeout=5.0)), clock)
    client.transport.congested = True
    client.send_close()
    # Nothing follows a goodbye (RFC 6455, 5.5.1).
    recorder.websocket.send_text("too late")
    assert [opcode for opcode, _ in client.frames()] == [CLOSE]
    clock.advance(4.9)
    assert client.transport.disconnecting
    assert not client.transport.aborted
    clock.advance(0.1)
    clock.advance(0)
    assert client.transport.lost is ConnectionAborted
    assert recorder.told[1:] == [("lost", 1000, "")]


@pytest.mark.parametrize("said", [close_payload(1000), close_payload(1000, "bye"), b"\3"])
def test_what_follows_a_goodbye_is_not_kept(clock: Clock, said: bytes) -> None:
    """Over TLS it comes, until the client has said goodbye there, too."""
    recorder, client = connect(WebSocketFactory(clock, Limits()), clock)
    client.transport.congested = True
    client.send(client_frame(CLOSE, said))
    assert client.transport.disconnecting
    websocket: Any = recorder.websocket
    for _ in range(2):
        websocket.dataReceived(client_frame(TEXT, b"a" * 1000))
    assert len(websocket.data) < 1000
    clock.advance(Limits().close_timeout)
    clock.advance(0)
    assert [told for told, *_ in recorder.told] == ["opened", "lost"]


def test_one_whose_handshake_is_refused_and_who_reads_nothing_is_cut(clock: Clock) -> None:
    recorder, transport = Recorder(), MemoryTransport(clock)
    websocket = WebSocketFactory(clock, Limits(close_timeout=5.0)).build(recorder)
    websocket.left = lambda: None
    transport.protocol, transport.congested = websocket, True
    websocket.makeConnection(transport)
    websocket.dataReceived(compose("GET", "/", {**HANDSHAKE, "Sec-WebSocket-Version": "7"}))
    clock.advance(4.9)
    assert transport.disconnecting
    assert not transport.aborted
    clock.advance(0.1)
    clock.advance(0)
    assert transport.lost is ConnectionAborted
    # It was never told of a connection.
    assert recorder.told == []
