"""One connection keeps the reactor for a turn and no longer, by a clock that goes on as work is done."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from tests.support.clocks import BusyClock
from tests.support.websockets import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Recorder,
    WebSocketClient,
    client_frame,
    connect,
)
from yekta.rests import LONG, TURN
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits

MANY = 1000


@pytest.fixture
def busy() -> BusyClock:
    """Each time it is asked, a tenth of a turn is over."""
    return BusyClock(TURN / 10)


@pytest.fixture
def factory(busy: BusyClock) -> WebSocketFactory:
    return WebSocketFactory(busy, Limits(max_fragments=10 * MANY, deflate_threshold=100))


def turns(busy: BusyClock, most: int = 10 * MANY) -> int:
    """Let everybody rest and go on until all is done; how many turns of the reactor it took."""
    taken = 0
    while busy.getDelayedCalls():
        busy.advance(0)
        taken += 1
        assert taken < most
    return taken


def pongs(client: WebSocketClient) -> list[bytes]:
    return [payload for opcode, payload in client.frames() if opcode == PONG]


FLOODS: dict[str, bytes] = {
    "pings": b"".join(client_frame(PING, b"%d" % number) for number in range(MANY)),
    "empty texts": client_frame(TEXT) * 4 * MANY,
    "empty binary": client_frame(BINARY) * MANY,
    "empty fragments": client_frame(TEXT, fin=False) + client_frame(CONTINUATION, fin=False) * MANY,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_others_have_their_turn_meanwhile(busy: BusyClock, factory: WebSocketFactory, flood: bytes) -> None:
    _, flooding = connect(factory, busy)
    _, other = connect(factory, busy, Recorder(lambda it, text: it.websocket.send_text(text)))
    flooding.send(flood)
    assert not flooding.transport.reading
    other.send_text("hello")
    assert other.texts() == ["hello"]
    assert turns(busy) > 1
    assert flooding.transport.reading
    for client in (flooding, other):
        client.transport.lose()


def test_all_is_handled_in_order_and_what_comes_meanwhile_after_it(busy: BusyClock, factory: WebSocketFactory) -> None:
    recorder, client = connect(factory, busy)
    texts = [str(number) for number in range(MANY)]
    client.send(FLOODS["pings"] + b"".join(client_frame(TEXT, text.encode()) for text in texts))
    client.send_text("then")
    turns(busy)
    assert pongs(client) == [b"%d" % number for number in range(MANY)]
    assert recorder.messages() == [*texts, "then"]
    client.transport.lose()


def test_of_all_that_rest_one_goes_on_in_each_turn(busy: BusyClock, factory: WebSocketFactory) -> None:
    clients = [connect(factory, busy)[1] for _ in range(3)]
    for client in clients:
        client.send(FLOODS["pings"])
    # Looking at what a client has read would be a turn.
    before = [len(client.transport.writes) for client in clients]
    busy.advance(0)
    assert [len(client.transport.writes) for client in clients] == before, "all others come first"
    for turn in range(6):
        busy.advance(0)
        after = [len(client.transport.writes) for client in clients]
        assert [number for number in range(3) if after[number] > before[number]] == [turn % 3]
        before = after
    turns(busy)
    assert [len(pongs(client)) for client in clients] == [MANY] * 3
    for client in clients:
        client.transport.lose()


def test_packed_megabytes_are_not_unpacked_all_at_once(busy: BusyClock, factory: WebSocketFactory) -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover"}
    recorder, client = connect(factory, busy, headers=offer)
    packer = zlib.compressobj(wbits=-15)
    packed = (packer.compress(b"x" * 1000) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    client.send(client_frame(TEXT, packed, rsv=4) * 200)
    assert 0 < len(recorder.messages()) < 100
    turns(busy)
    assert recorder.messages() == ["x" * 1000] * 200
    client.transport.lose()


LONG_ONES: dict[str, tuple[bytes, bytes]] = {
    "text": (client_frame(TEXT, b"x" * 2 * LONG), b""),
    "binary": (client_frame(BINARY, b"x" * 2 * LONG), b""),
    "fragments": (client_frame(TEXT, b"x" * 2 * LONG, fin=False), client_frame(CONTINUATION, b"x")),
}


@pytest.mark.parametrize(("begin", "end"), LONG_ONES.values(), ids=LONG_ONES)
def test_of_long_messages_that_take_long_one_is_handled_in_each_turn(begin: bytes, end: bytes) -> None:
    clock, handled = BusyClock(0.0), list[int]()

    class Slow(Recorder):
        """Takes as long for a message as for a megabyte of lists."""

        def text_received(self, text: bytes) -> None:
            handled.append(len(text))
            clock.rightNow += 5 * TURN

        binary_received = text_received

    factory = WebSocketFactory(clock, Limits())
    clients = [connect(factory, clock, Slow())[1] for _ in range(4)]
    _, other = connect(factory, clock, Recorder(lambda it, text: it.websocket.send_text(text)))
    whole = begin + end
    for client in clients:
        for place in range(0, len(whole) - 1, LONG // 4):
            client.send(whole[place : min(place + LONG // 4, len(whole) - 1)])
    assert not handled
    for client in clients:
        client.send(whole[-1:])
    clock.advance(0)
    for turn in range(1, 5):
        assert len(handled) == turn
        assert [client.transport.reading for client in clients] == [number < turn for number in range(4)]
        before = len(other.transport.writes)
        other.send_text("hello")
        assert len(other.transport.writes) == before + 1
        clock.advance(0)
    assert len(handled) == 4
    for client in (*clients, other):
        client.transport.lose()


def test_who_is_lost_while_it_rests_is_forgotten(busy: BusyClock, factory: WebSocketFactory) -> None:
    recorder, client = connect(factory, busy)
    client.send(FLOODS["empty texts"])
    heard = len(recorder.messages())
    client.transport.lose()
    turns(busy)
    assert recorder.told[-1] == ("lost", 1006, "")
    assert len(recorder.messages()) == heard
    assert not factory.rests._resting


def test_a_client_that_reads_again_while_it_rests_is_not_read_before_it_has_rested(
    busy: BusyClock, factory: WebSocketFactory
) -> None:
    recorder, client = connect(factory, busy)
    client.send(FLOODS["empty texts"])
    client.transport.congest()
    client.transport.relieve()
    assert recorder.told[-1] == ("drained",)
    assert not client.transport.reading
    client.transport.congest()
    turns(busy)
    assert not client.transport.reading
    assert len(recorder.messages()) < 4 * MANY
    client.transport.relieve()
    turns(busy)
    assert client.transport.reading
    assert len(recorder.messages()) == 4 * MANY
    client.transport.lose()


def test_one_that_is_closed_while_it_rests_is_told_goodbye_in_its_turn(
    busy: BusyClock, factory: WebSocketFactory
) -> None:
    recorder, client = connect(factory, busy)
    client.send(FLOODS["pings"] + client_frame(CLOSE, b"\x10\x01"))
    recorder.websocket.close(4097)
    assert not client.transport.reading
    turns(busy)
    assert client.close() == (4097, "")
    assert recorder.told[-1] == ("lost", 4097, "")


def test_a_clock_that_stands_still_lets_nobody_rest(clock: Any) -> None:
    recorder, client = connect(WebSocketFactory(clock, Limits()), clock)
    client.send(FLOODS["empty texts"])
    assert len(recorder.messages()) == 4 * MANY
    client.transport.lose()


def test_a_receiver_that_fails_in_a_later_turn_ends_its_connection(busy: BusyClock, factory: WebSocketFactory) -> None:
    def fail(recorder: Recorder, text: str) -> None:
        if text == "300":
            raise RuntimeError

    recorder, client = connect(factory, busy, Recorder(fail))
    client.send(b"".join(client_frame(PING) + client_frame(TEXT, b"%d" % number) for number in range(MANY)))
    with pytest.raises(RuntimeError):
        turns(busy)
    turns(busy)
    assert client.transport.lost
    assert recorder.told[-1][0] == "lost"


def test_the_answer_to_a_close_is_read_though_it_was_said_at_rest_to_one_who_does_not_read(
    busy: BusyClock, factory: WebSocketFactory
) -> None:
    recorder, client = connect(factory, busy)
    client.send(FLOODS["pings"])
    client.transport.congest()
    recorder.websocket.close(4097)
    while factory.rests._resting:
        busy.advance(0)
    client.transport.relieve()
    assert client.transport.reading
    client.send_close(4097)
    turns(busy)
    assert recorder.told[-1] == ("lost", 4097, "")


def test_who_has_said_goodbye_does_not_rest() -> None:
    """Over TLS the client's own end is read after it."""
    # Its turn is over after two steps: the head of a frame, and what it says.
    clock = BusyClock(0.6 * TURN)
    recorder, client = connect(WebSocketFactory(clock, Limits()), clock)
    client.send(client_frame(CLOSE, b"\x10\x01bye") + client_frame(PING))
    assert client.transport.disconnecting
    assert client.transport.reading
    turns(clock)
    assert recorder.told[-1] == ("lost", 4097, "bye")
