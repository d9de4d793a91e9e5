"""Whatever a client sends, and however the network cuts it, our short path and stock Autobahn see the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tests.support.clocks import BusyClock
from tests.support.memory import MemoryTransport, compose
from tests.support.websockets import (
    BINARY,
    CLOSE,
    CONTINUATION,
    HANDSHAKE,
    PING,
    PONG,
    TEXT,
    client_frame,
    close_payload,
    connect,
    server_frames,
)
from yekta.rests import TURN
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits

LIMITS = Limits(max_message=200_000, max_fragments=8)

INVALID_PAYLOAD = close_payload(1007)

Sent = list[tuple[int, bytes]]
Seen = tuple[list[Any], Sent, bool]


class Stock(WebSocketServerProtocol):  # type: ignore[misc]
    """Autobahn as it comes."""

    def onOpen(self) -> None:
        self.messages: list[Any] = []

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.messages.append(payload if isBinary else payload.decode())


def stock(chunks: list[bytes]) -> Seen:
    """What Autobahn makes of ``chunks``: the messages, what it sends, whether it drops the connection."""
    clock = Clock()
    factory = WebSocketServerFactory(reactor=clock)
    factory.protocol = Stock
    factory.setProtocolOptions(
        maxMessagePayloadSize=LIMITS.max_message,
        failByDrop=False,
        echoCloseCodeReason=True,
        openHandshakeTimeout=0,
        closeHandshakeTimeout=0,
    )
    protocol, transport = factory.buildProtocol(None), MemoryTransport(clock)
    transport.protocol = protocol
    protocol.makeConnection(transport)
    transport.receive(compose("GET", "/", HANDSHAKE))
    transport.writes.clear()
    for data in chunks:
        transport.receive(data)
    return protocol.messages, list(server_frames(b"".join(transport.writes))), transport.disconnecting


def ours(chunks: list[bytes], clock: Clock | None = None) -> Seen:
    """The same of ours."""
    clock = clock or Clock()
    recorder, client = connect(WebSocketFactory(clock, LIMITS), clock)
    for data in chunks:
        client.send(data)
    while any(call.getTime() <= clock.rightNow for call in clock.getDelayedCalls()):
        # It rests.
        clock.advance(0)
    seen = recorder.messages(), client.frames(), client.transport.disconnecting
    client.transport.lose()
    assert clock.getDelayedCalls() == [] or client.transport.disconnecting
    return seen


def without_reasons(sent: Sent) -> Sent:
    """Our close frames carry the same codes as Autobahn's, but explain less."""
    return [(opcode, payload[:2] if opcode == CLOSE else payload) for opcode, payload in sent]


def assert_same(chunks: list[bytes]) -> None:
    assert_as_stock(chunks, ours(chunks))
    # With a rest before each step of Autobahn's.
    assert_as_stock(chunks, ours(chunks, BusyClock(TURN)))


def assert_as_stock(chunks: list[bytes], seen: Seen) -> None:
    (messages, sent, dropped), (stock_messages, stock_sent, stock_dropped) = seen, stock(chunks)
    assert messages == stock_messages
    assert without_reasons(sent) == without_reasons(stock_sent)
    if (CLOSE, INVALID_PAYLOAD) not in without_reasons(sent):
        # Some broken texts are two violations to Autobahn, and it does not wait for an answer to the second.
        assert dropped == stock_dropped


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` in pieces, cut at ``places``."""
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if start < end]


MASKS = st.binary(min_size=4, max_size=4)
TEXTS = st.text(max_size=300).map(str.encode)
BINARIES = st.binary(max_size=300) | st.sampled_from([bytes(126), bytes(65_535), bytes(65_536)])
CONTROL = st.binary(max_size=125)


@st.composite
def fragmented(draw: st.DrawFn) -> bytes:
    """A message in at most eight fragments, cut inside characters too, with control frames in between."""
    opcode, payload = draw(st.tuples(st.just(TEXT), TEXTS) | st.tuples(st.just(BINARY), BINARIES))
    pieces = cut(payload, draw(st.lists(st.integers(0, 400), max_size=7))) or [b""]
    frames = []
    for number, piece in enumerate(pieces):
        kind = CONTINUATION if number else opcode
        frames.append(client_frame(kind, piece, fin=number == len(pieces) - 1, mask=draw(MASKS)))
        if draw(st.booleans()):
            frames.append(client_frame(draw(st.sampled_from([PING, PONG])), draw(CONTROL)))
    return b"".join(frames)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A frame with any first byte, masked or not, of any width of length: nearly always a violation."""
    payload = draw(st.binary(max_size=20) | TEXTS)
    widths = [width for width, most in ((7, 125), (16, 65_535), (64, 1 << 62)) if len(payload) <= most]
    return client_frame(
        draw(st.integers(0, 15)),
        payload,
        fin=draw(st.booleans()),
        rsv=draw(st.sampled_from([0, 0, 0, 1, 2, 4, 7])),
        mask=draw(st.none() | MASKS),
        width=draw(st.sampled_from(widths)),
    )


GOOD = st.one_of(
    st.builds(client_frame, st.just(TEXT), TEXTS, mask=MASKS),
    st.builds(client_frame, st.just(TEXT), TEXTS, mask=MASKS),
    st.builds(client_frame, st.just(BINARY), BINARIES, mask=MASKS),
    st.builds(client_frame, st.sampled_from([PING, PONG]), CONTROL, mask=MASKS),
    fragmented(),
)
BAD = st.one_of(
    broken(),
    st.builds(client_frame, st.just(TEXT), st.binary(min_size=1, max_size=50), mask=MASKS),
    st.builds(client_frame, st.just(CLOSE), st.integers(0, 5000).map(close_payload) | CONTROL, mask=MASKS),
)
PLACES = st.lists(st.integers(0, 1 << 17), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(GOOD, max_size=8), PLACES)
def test_a_well_formed_stream_cut_anywhere(frames: list[bytes], places: list[int]) -> None:
    assert_same(cut(b"".join(frames), places))


@settings(max_examples=200, deadline=None)
@given(st.lists(GOOD, max_size=3), st.lists(BAD, min_size=1, max_size=2), st.lists(GOOD, max_size=3), PLACES)
def test_a_stream_that_goes_wrong_cut_anywhere(
    before: list[bytes], bad: list[bytes], after: list[bytes], places: list[int]
) -> None:
    assert_same(cut(b"".join(before + bad + after), places))


STREAM = b"".join(
    [
        client_frame(TEXT, "سلام".encode()),
        client_frame(TEXT, b""),
        client_frame(TEXT, b"a" * 130),
        client_frame(PING, b"p"),
        client_frame(TEXT, b"fra", fin=False),
        client_frame(PING),
        client_frame(CONTINUATION, b"gment"),
        client_frame(BINARY, b"\x00\xff"),
        client_frame(TEXT, b"z", width=64),
    ]
)


def test_every_single_cut_and_byte_by_byte() -> None:
    whole = ours([STREAM])
    assert whole[0] == ["سلام", "", "a" * 130, "fragment", b"\x00\xff"]
    for place in range(1, len(STREAM)):
        assert ours([STREAM[:place], STREAM[place:]]) == whole
    assert ours([STREAM[i : i + 1] for i in range(len(STREAM))]) == whole
    assert_same([STREAM])


@pytest.mark.parametrize("size", [125, 126, 65_535, 65_536, LIMITS.max_message])
def test_a_text_of_each_width_of_length(size: int) -> None:
    frame = client_frame(TEXT, b"a" * size)
    for chunks in ([frame * 2], cut(frame * 2, [1, 5, 100, len(frame) - 1, len(frame) + 3])):
        assert_same(chunks)
        assert ours(chunks)[0] == ["a" * size] * 2


# -- the codes that we promise ---------------------------------------------------------------------------------

INVALID_TEXTS = [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", "س".encode()[:1]]
OVERSIZE = bytes(LIMITS.max_message + 1)


@pytest.mark.parametrize(
    ("stream", "code", "reason"),
    [
        *((client_frame(TEXT, text), 1007, None) for text in INVALID_TEXTS),
        *((client_frame(TEXT, text, fin=False) + client_frame(CONTINUATION), 1007, None) for text in INVALID_TEXTS),
        (client_frame(TEXT, OVERSIZE), 1009, ""),
        (client_frame(BINARY, OVERSIZE), 1009, ""),
        (client_frame(BINARY, OVERSIZE[1:], fin=False) + client_frame(CONTINUATION, b"a"), 1009, ""),
        (b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"mask", 1009, ""),
        (client_frame(TEXT, b"a", fin=False) + client_frame(CONTINUATION, fin=False) * 8, 1008, "too many fragments"),
        (client_frame(TEXT, b"a", fin=False) + client_frame(TEXT, b"whole"), 1002, None),
        (client_frame(TEXT, b"a", mask=None), 1002, None),
        (client_frame(TEXT, b"a", rsv=4), 1002, None),
        (client_frame(3), 1002, None),
        (client_frame(11), 1002, None),
        (client_frame(CONTINUATION, b"a"), 1002, None),
        (client_frame(PING, b"a" * 126), 1002, None),
        (client_frame(PING, b"a", fin=False), 1002, None),
        (client_frame(TEXT, b"a", width=16), 1002, None),
    ],
)
def test_a_violation_is_answered_with_its_close_code(stream: bytes, code: int, reason: str | None) -> None:
    clock = Clock()
    recorder, client = connect(WebSocketFactory(clock, LIMITS), clock)
    client.send(client_frame(TEXT, b"before") + stream + client_frame(TEXT, b"after"))
    close = client.close()
    assert close is not None
    assert close[0] == code
    assert reason in (None, close[1])
    assert recorder.messages() == ["before"]
    client.transport.lose()


def test_fragments_are_counted_for_each_message_anew() -> None:
    begun = client_frame(TEXT, b"a", fin=False) + client_frame(CONTINUATION, fin=False) * 6
    message = begun + client_frame(CONTINUATION)
    clock = Clock()
    recorder, client = connect(WebSocketFactory(clock, LIMITS), clock)
    client.send(message * 5)
    assert recorder.messages() == ["a"] * 5
    client.transport.lose()
