"""WebSocket frames and handshakes that break the rules or the budget, at the native door and at Engine.IO's."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from tests.support.attacks import BINARY, CLOSE, CONTINUATION, PING, TEXT, Over, Wire, frame, opening
from tests.support.siege import besieged, hasty, victim_of
from tests.support.strangers import EngineIO, Native, SocketIO

MAX = 1_000_000
DOORS = [("api", Native), ("ws", Native), ("api", SocketIO), ("ws", SocketIO)]
every_door = pytest.mark.parametrize(("port", "kind"), DOORS, ids=lambda value: getattr(value, "__name__", value))
both_ports = pytest.mark.parametrize("port", ["api", "ws"])


PROTOCOL_ERROR, NOT_TEXT, POLICY, TOO_BIG = 1002, 1007, 1008, 1009
ILLEGAL = {
    "a frame that declares 2^40 bytes": (frame(b"x" * 1000, declared=1 << 40), TOO_BIG),
    "a binary frame that declares 2^62 bytes": (frame(b"x" * 1000, BINARY, declared=1 << 62), TOO_BIG),
    "a frame that declares 2^63 bytes": (frame(b"x" * 1000, declared=1 << 63), PROTOCOL_ERROR),
    "one byte too many": (frame(b"4" * (MAX + 1)), TOO_BIG),
    "one byte too many in two fragments": (
        frame(b"4" * MAX, fin=False) + frame(b"4", CONTINUATION), TOO_BIG,
    ),
    "60,000 fragments": (frame(b"4", fin=False) + frame(b"x", CONTINUATION, fin=False) * 60_000, POLICY),
    "60,000 empty fragments": (frame(b"", fin=False) + frame(b"", CONTINUATION, fin=False) * 60_000, POLICY),
    "60,000 fragments between pings": (
        frame(b"4", fin=False) + (frame(b"x", CONTINUATION, fin=False) + frame(b"", PING)) * 60_000, POLICY,
    ),
    "a reserved bit": (frame(b"x", rsv=4), PROTOCOL_ERROR),
    "a compressed frame that was not agreed on": (frame(b"\0", rsv=4), PROTOCOL_ERROR),
    "an unmasked frame": (b"\x81\x01x", PROTOCOL_ERROR),
    "a reserved opcode": (frame(b"x", 3), PROTOCOL_ERROR),
    "a long ping": (frame(b"x" * 126, PING), PROTOCOL_ERROR),
    "a fragmented ping": (frame(b"", PING, fin=False), PROTOCOL_ERROR),
    "a continuation of nothing": (frame(b"x", CONTINUATION), PROTOCOL_ERROR),
    "a message within a message": (frame(b"4", fin=False) + frame(b"x"), PROTOCOL_ERROR),
    "text that is not UTF-8": (frame(b"\xff\xfe"), NOT_TEXT),
    "UTF-8 of half a character": (frame(b"4\xed\xa0\xbd"), NOT_TEXT),
    "a close with one byte": (frame(b"\x03", CLOSE), PROTOCOL_ERROR),
    "a close with a code nobody may send": (frame(b"\x03\xee", CLOSE), PROTOCOL_ERROR),
    "a close whose reason is not UTF-8": (frame(b"\x03\xe8\xff", CLOSE), NOT_TEXT),
}


@pytest.mark.parametrize(("data", "code"), ILLEGAL.values(), ids=ILLEGAL)
@every_door
def test_an_illegal_frame_ends_the_connection(port: str, kind: Any, data: bytes, code: int | None) -> None:
    victim = victim_of(port)
    with besieged(victim), kind(victim.port, victim.token) as stranger:
        stranger.send(data)
        assert stranger.end() == code


@every_door
def test_a_million_bytes_are_too_many_by_one_ten_times(port: str, kind: Any) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for _ in range(10):
            with kind(victim.port, victim.token) as stranger:
                stranger.send(frame(b"4" * (MAX + 1)))
                assert stranger.end() == TOO_BIG


@every_door
def test_a_megabyte_that_arrives_byte_by_byte_stalls_nobody(port: str, kind: Any) -> None:
    victim = victim_of(port)
    with besieged(victim), kind(victim.port, victim.token) as stranger:
        whole = frame(b"4" * 900_000)
        for start in range(20_000):
            stranger.send(whole[start : start + 1])


@pytest.mark.parametrize("kind", [Native, SocketIO], ids=lambda kind: str(kind.__name__))
@pytest.mark.parametrize("fragments", [1, 100])
@both_ports
def test_a_zip_bomb_is_too_big_before_it_is_unpacked(port: str, kind: Any, fragments: int) -> None:
    victim = victim_of(port, hasty)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(200_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH)[:-4]
    size = len(bomb) // fragments + 1
    pieces = [bomb[start : start + size] for start in range(0, len(bomb), size)]
    frames = [
        frame(piece, CONTINUATION if n else TEXT, rsv=0 if n else 4, fin=n == len(pieces) - 1)
        for n, piece in enumerate(pieces)
    ]
    with besieged(victim):
        for _ in range(3):
            with kind(victim.port, victim.token, extensions="permessage-deflate") as stranger:
                assert "permessage-deflate" in stranger.answer.headers["sec-websocket-extensions"]
                stranger.send(b"".join(frames))
                assert stranger.end() == TOO_BIG


ODDITIES = {
    "Sec-WebSocket-Extensions: constructor": 101,
    "Sec-WebSocket-Extensions: __proto__; toString": 101,
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99": None,
    "Sec-WebSocket-Extensions: " + ", ".join(["permessage-deflate"] * 500): 101,
    'Sec-WebSocket-Extensions: a; b="' + r"\c" * 7_000 + '"': None,
    'Sec-WebSocket-Extensions: a; b="' + r"\c" * 20_000 + '"': None,
    "Sec-WebSocket-Protocol: a" + " " * 14_000 + "b": None,
    "Sec-WebSocket-Protocol: a" + " " * 50_000 + "b": None,
    "Sec-WebSocket-Protocol: \xe4\xff": None,
    "Sec-WebSocket-Protocol: " + ",".join(["a"] * 7_000): None,
    "Sec-WebSocket-Version: 12": None,
    "Sec-WebSocket-Version: \xb2": None,
    "Sec-WebSocket-Version: " + "9" * 5_000: None,
    "Sec-WebSocket-Key: twice": None,
    "Sec-WebSocket-Extensions: \xff": None,
    "X-Forwarded-For: " + "1.2.3.4, " * 1_000: 101,
}


@pytest.mark.parametrize(("header", "status"), ODDITIES.items(), ids=lambda value: ascii(value)[:50])
@both_ports
def test_an_odd_handshake_is_taken_or_refused_but_never_an_error_of_ours(
    port: str, header: str, status: int | None
) -> None:
    for victim in (victim_of(port), victim_of(port, hasty)):
        with besieged(victim):
            for target in (f"/ws?token={victim.token}", "/socket.io/?EIO=4&transport=websocket"):
                with Wire(victim.port) as wire:
                    wire.send(opening(target, header))
                    try:
                        found = wire.response().status
                    except Over:
                        found = 400
                    assert found == status if status else found < 500


def unread(stranger: Any, count: int = 30) -> None:
    """Ask for ``count`` large echoes, and read none."""
    stranger.socket.settimeout(0.2)
    try:
        for _ in range(count):
            stranger.say("echo", '"' + "x" * 900_000 + '"')
    except TimeoutError:
        return


@every_door
def test_echoes_that_are_not_read_stay_within_bounds(port: str, kind: Any) -> None:
    victim = victim_of(port)
    strangers = [kind(victim.port, victim.token, receive_buffer=4096) for _ in range(5)]
    # A message on its way in, one on its way out, and a megabyte that waits, each.
    with besieged(victim, peak=5 * 6, left=5 * 6):
        for stranger in strangers:
            unread(stranger)
    with besieged(victim):
        for stranger in strangers:
            stranger.reset()


def send_for_ever(stranger: Any) -> None:
    while True:
        stranger.socket.sendall(frame(b"x" * 100_000))


@every_door
def test_one_who_does_not_read_is_cut(port: str, kind: Any) -> None:
    victim = victim_of(port, hasty)
    with besieged(victim, peak=32), kind(victim.port, victim.token, receive_buffer=4096) as stranger:
        unread(stranger)
        # Only the end of the connection ends this wait: nothing is read meanwhile, and nothing can be sent.
        stranger.socket.settimeout(10)
        with pytest.raises(ConnectionError):
            send_for_ever(stranger)


@pytest.mark.parametrize("kind", [Native, EngineIO], ids=lambda kind: str(kind.__name__))
@both_ports
def test_one_who_is_silent_is_cut_by_the_heartbeat(port: str, kind: Any) -> None:
    victim = victim_of(port, hasty)
    with besieged(victim), kind(victim.port, *[victim.token] * (kind is Native)) as stranger:
        # Not even pings are answered.
        assert stranger.rest() is not None
