"""Compression: the short way of whole text messages does what Autobahn's way does, and takes little memory."""

from __future__ import annotations

import tracemalloc
import zlib
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tests.support.websockets import BINARY, CONTINUATION, PING, TEXT, Recorder, WebSocketClient, client_frame, connect
from yekta.websocket.deflate import Corrupt, TooLong, unpack
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.lean import with_options
from yekta.websocket.limits import Limits
from yekta.websocket.protocol import WebSocket
from yekta.websocket.shared import SharedText

OFFER = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
MOST = 1000
LIMITS = Limits(deflate_threshold=20, max_message=MOST)
RSV1 = 4


class Autobahns(WebSocket):
    """Without the short way."""

    def _take(self, data: bytes) -> bool:
        self.data = data
        return False


def packed(payload: bytes, bits: int = 15) -> bytes:
    """As a client packs it, which begins anew with each message."""
    packer = zlib.compressobj(wbits=-bits)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def opened(clock: Clock, *, short: bool = True, offer: dict[str, str] = OFFER) -> tuple[Recorder, WebSocketClient]:
    factory = WebSocketFactory(clock, LIMITS)
    if not short:
        factory.protocol = with_options(Autobahns, factory)
    recorder, client = connect(factory, clock, headers=offer)
    assert client.accepted
    return recorder, client


def sent(client: WebSocketClient) -> list[tuple[int, bytes]]:
    """First byte and payload of each frame since the 101."""
    data, frames = client.http.unread(), []
    while data:
        size, start = (data[1], 2) if data[1] < 126 else (int.from_bytes(data[2:4], "big"), 4)
        frames.append((data[0], data[start : start + size]))
        data = data[start + size :]
    return frames


# Not up to the limit: Autobahn counts those bytes of a packed frame that have not come yet as if they were text, and
# refuses what has too little room beside them.
TEXTS = st.one_of(st.text(max_size=100), st.text("ab", min_size=MOST - 400, max_size=MOST - 300))
FRAMES = st.one_of(
    TEXTS.map(lambda text: client_frame(TEXT, packed(text.encode()), rsv=RSV1)),
    TEXTS.map(lambda text: client_frame(TEXT, text.encode())),
    st.binary(max_size=200).map(lambda data: client_frame(BINARY, packed(data), rsv=RSV1)),
    TEXTS.map(
        lambda text: client_frame(TEXT, packed(text.encode())[:3], rsv=RSV1, fin=False)
        + client_frame(CONTINUATION, packed(text.encode())[3:])
    ),
    st.just(client_frame(PING, b"?")),
)
BROKEN = st.one_of(
    st.just(client_frame(TEXT, packed(b"a" * (MOST + 1)), rsv=RSV1)),
    st.just(client_frame(TEXT, packed(b"a" * 10_000_000), rsv=RSV1)),
    st.binary(min_size=1, max_size=50).map(lambda data: client_frame(TEXT, b"\xff" + data, rsv=RSV1)),
    st.just(client_frame(TEXT, packed(b"not \xff UTF-8"), rsv=RSV1)),
    st.just(client_frame(TEXT, b"", rsv=RSV1)),
)


def heard(stream: bytes, places: list[int], *, short: bool) -> tuple[list[Any], list[Any]]:
    """The messages, and what the client gets, without the words of a close frame.

    Not how it ends: whatever breaks a rule twice in one frame, Autobahn does not even let answer the close frame.
    """
    clock = Clock()
    recorder, client = opened(clock, short=short)
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    for begin, end in pairwise(edges):
        client.send(stream[begin:end])
    clock.advance(0)
    answers = [(kind, payload[:2] if kind == 0x88 else payload) for kind, payload in sent(client)]
    return recorder.messages(), answers


@settings(max_examples=150, deadline=None)
@given(st.lists(FRAMES, max_size=6), st.one_of(st.just(b""), BROKEN), st.lists(st.integers(0, 10_000), max_size=4))
def test_any_stream_is_read_as_autobahn_reads_it(frames: list[bytes], broken: bytes, places: list[int]) -> None:
    stream = b"".join([*frames, broken])
    assert heard(stream, places, short=True) == heard(stream, places, short=False)


@pytest.mark.parametrize("cut", [0, 3, 8])
def test_a_message_may_be_as_long_as_the_limit_in_whatever_pieces_it_comes(clock: Clock, cut: int) -> None:
    recorder, client = opened(clock)
    frame = client_frame(TEXT, packed(b"a" * MOST), rsv=RSV1)
    client.send(frame[:cut])
    client.send(frame[cut:])
    assert recorder.messages() == ["a" * MOST]
    client.send_close()


@pytest.mark.parametrize(
    ("payload", "code"),
    [(packed(b"a" * (MOST + 1)), 1009), (b"\xff\xff", 1007), (packed(b"\xff"), 1007)],
    ids=["too long", "corrupt", "not UTF-8"],
)
def test_what_cannot_be_read_ends_the_connection(clock: Clock, payload: bytes, code: int) -> None:
    recorder, client = opened(clock)
    client.send(client_frame(TEXT, packed(b"fine"), rsv=RSV1) + client_frame(TEXT, payload, rsv=RSV1))
    assert client.close() is not None
    assert client.close() == (code, "")
    assert recorder.messages() == ["fine"]
    client.send_close()


def test_what_many_are_sent_is_packed_once() -> None:
    shared = SharedText(b"the same words again")
    assert shared.packed(12) is shared.packed(12)


def test_what_is_sent_refers_to_what_was_sent_before_within_the_window(clock: Clock) -> None:
    recorder, client = opened(clock)
    reader, text = zlib.decompressobj(-12), "the same words again " * 20
    sizes = []
    for _ in range(3):
        recorder.websocket.send_text(text)
        recorder.websocket.send_text("short")
    clock.advance(0)
    for first, payload in sent(client):
        if first & 0x40:
            assert reader.decompress(payload + b"\x00\x00\xff\xff").decode() == text
            sizes.append(len(payload))
        else:
            assert payload == b"short"
    assert len(sizes) == 3
    assert sizes[1] < sizes[0] / 2
    client.send_close()


def test_bytes_are_packed_as_texts_are(clock: Clock) -> None:
    recorder, client = opened(clock)
    long, short = b"the same bytes again" * 20, b"short"
    recorder.websocket.send_binary(long)
    recorder.websocket.send_binary(short)
    clock.advance(0)
    (first, packed_bytes), second = sent(client)
    assert (first, second) == (BINARY | RSV1 << 4 | 0x80, (BINARY | 0x80, short))
    assert unpacked(zlib.decompressobj(-15), packed_bytes) == long
    client.send_close()


def test_an_answer_is_packed_where_it_is_long(clock: Clock) -> None:
    recorder, client = opened(clock)
    recorder.then = lambda recorder, text: recorder.websocket.send_text(text)
    client.send_text("the same words again " * 20)
    client.send_text("short")
    assert [first & 0x40 for first, _ in sent(client)] == [0x40, 0]
    client.send_close()


@pytest.mark.parametrize("way", ["send_encoded", "send_binary", "send_shared"])
def test_whatever_has_so_many_bytes_is_packed_and_nothing_follows_a_goodbye(clock: Clock, way: str) -> None:
    recorder, client = opened(clock)
    say, form = getattr(recorder.websocket, way), SharedText if way == "send_shared" else bytes
    for size in (19, 20):
        say(form(b"a" * size))
    recorder.websocket.close(1000)
    say(form(b"a" * 20))
    assert [first & 0x48 for first, _ in sent(client)] == [0, 0x40, 8]
    client.send_close()


WORDS = st.text("ab", max_size=40).map(lambda word: word * 9)


def unpacked(reader: Any, payload: bytes) -> bytes:
    """What a client reads, piece by piece: what is further back than its window is gone."""
    data, parts = payload + b"\x00\x00\xff\xff", [b""]
    while data or parts[-1]:
        parts.append(reader.decompress(data, 100))
        data = reader.unconsumed_tail
    return b"".join(parts)


# It repeats itself at a distance that only the wider of the windows has.
FAR = "".join(f"{number:04}" for number in range(300))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from((None, 0, 1)), WORDS), max_size=12))
@example([(True, 0, "one" * 9), (True, None, "other" * 9), (True, 0, "one" * 9)])
@example([(True, None, FAR), (True, 1, FAR)])
def test_what_many_are_sent_is_packed_once_and_read_by_each_between_its_own(
    said: list[tuple[bool, int | None, str]],
) -> None:
    clock = Clock()
    factory = WebSocketFactory(clock, LIMITS)
    offers = [OFFER, {"Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=9"}, {}]
    everybody = [connect(factory, clock, headers=offer) for offer in offers]
    expected: list[list[bytes]] = [[] for _ in offers]
    for packs, whose, word in said:
        # As long as all others, and no longer than what is sent as it is; or longer.
        text = (word * 2 if packs else word[:10]).encode()
        shared = SharedText(text)
        for number, (recorder, _) in enumerate(everybody):
            if whose is None:
                recorder.websocket.send_shared(shared)
            elif whose == number:
                recorder.websocket.send_encoded(text)
            else:
                continue
            expected[number].append(text)
        assert whose is not None or len(shared._packed or ()) == (2 if len(text) >= 20 else 0)
    clock.advance(0)
    for (_, client), texts, bits in zip(everybody, expected, (12, 9, None), strict=True):
        reader = zlib.decompressobj(-bits) if bits else None
        read = []
        for first, payload in sent(client):
            assert (first & 0x40 > 0) == (reader is not None and len(texts[len(read)]) >= 20)
            if reader is not None and first & 0x40:
                payload = unpacked(reader, payload)
            read.append(payload)
        assert read == texts
        client.send_close()


@pytest.mark.parametrize(
    ("offer", "window"),
    [
        # We use fewer than we may, which nobody needs to know.
        ("permessage-deflate", ()),
        ("permessage-deflate; server_max_window_bits=15", ("server_max_window_bits=15",)),
        ("permessage-deflate; server_max_window_bits=10", ("server_max_window_bits=10",)),
        (
            "x-other, permessage-deflate; server_max_window_bits=9, permessage-deflate",
            ("server_max_window_bits=9",),
        ),
    ],
)
def test_what_is_agreed_on(clock: Clock, offer: str, window: tuple[str, ...]) -> None:
    recorder, client = opened(clock, offer={"Sec-WebSocket-Extensions": offer})
    assert client.answer is not None
    agreed = client.answer.headers["sec-websocket-extensions"]
    assert set(agreed.split("; ")) == {"permessage-deflate", "client_no_context_takeover", *window}
    # It repeats itself at a distance that only the widest of these windows has.
    text = "".join(f"{number:04}" for number in range(1000)) * 2
    recorder.websocket.send_text(text)
    clock.advance(0)
    ((_, payload),) = sent(client)
    reader = zlib.decompressobj(-int(window[0].partition("=")[2]) if window else -12)
    assert reader.decompress(payload + b"\x00\x00\xff\xff").decode() == text
    client.send_close()


def test_a_bomb_is_not_unpacked() -> None:
    bomb = packed(bytes(100_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(TooLong):
            unpack(bomb, MOST)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=200))
def test_whatever_comes_is_unpacked_or_refused(data: bytes) -> None:
    with suppress(Corrupt, TooLong):
        assert len(unpack(data, MOST)) <= MOST


def test_a_connection_that_packs_takes_some_tens_of_kilobytes(clock: Clock) -> None:
    recorder, client = opened(clock)
    tracemalloc.start(60)
    try:
        recorder.websocket.send_text("words " * 100)
        ours = tracemalloc.Filter(True, __file__, all_frames=True)
        taken = tracemalloc.take_snapshot().filter_traces([ours])
        assert 16 << 10 < sum(trace.size for trace in taken.traces) < 64 << 10
    finally:
        tracemalloc.stop()
    clock.advance(0)
    client.send_close()
