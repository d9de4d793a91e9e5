from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.websockets import BINARY, CLOSE, CONTINUATION, MASK, PING, TEXT, client_frame, server_frames
from yekta.websocket import frame, nvx
from yekta.websocket.frame import LONG, goodbye, take_texts, unmask

LIMIT = 100_000


@given(st.binary(min_size=4, max_size=4), st.binary())
def test_unmasking_is_xor_with_the_mask_repeated(mask: bytes, payload: bytes) -> None:
    assert unmask(mask, payload) == bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535])
def test_a_whole_masked_text_frame_is_taken(size: int) -> None:
    payload = b"a" * size
    data = client_frame(TEXT, payload)
    assert take_texts(data, LIMIT) == ([payload], len(data), 0)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
@pytest.mark.parametrize(("kind", "opcode"), [(frame.TEXT, TEXT), (frame.BINARY, BINARY)])
def test_a_frame_of_ours_is_whole_unmasked_and_as_short_as_can_be(kind: int, opcode: int, size: int) -> None:
    payload = b"a" * size
    data = frame.frame(kind, payload)
    assert list(server_frames(data)) == [(opcode, payload)]
    assert len(data) - size == (2 if size < 126 else 4 if size < 65_536 else 10)


@pytest.mark.parametrize(
    "other",
    [
        client_frame(TEXT, b"a", fin=False),
        client_frame(CONTINUATION, b"a"),
        client_frame(BINARY, b"a"),
        client_frame(CLOSE),
        client_frame(PING, b"a"),
        client_frame(TEXT, b"a", rsv=4),
        client_frame(TEXT, b"a", rsv=1),
        client_frame(3, b"a"),
        client_frame(TEXT, b"abcdef", mask=None),
        client_frame(TEXT, b"a" * 200, mask=None),
        client_frame(TEXT, b"a" * 10, width=16),
        client_frame(TEXT, b"a" * 125, width=16),
        client_frame(TEXT, b"a" * 10, width=64),
        client_frame(TEXT, b"a" * 65_535, width=64),
        client_frame(TEXT, b"a" * (LIMIT + 1), width=64),
    ],
)
def test_anything_else_is_left_where_it_stands(other: bytes) -> None:
    before = client_frame(TEXT, b"one") + client_frame(TEXT, b"two")
    after = client_frame(TEXT, b"three")
    assert take_texts(other, LIMIT) == ([], 0, 0)
    assert take_texts(before + other + after, LIMIT) == ([b"one", b"two"], len(before), 0)


@pytest.mark.parametrize("size", [100, 200])
def test_a_frame_over_the_limit_is_left_where_it_stands(size: int) -> None:
    data = client_frame(TEXT, b"a" * size)
    assert take_texts(data, size) == ([b"a" * size], len(data), 0)
    assert take_texts(data, size - 1) == ([], 0, 0)


@pytest.mark.parametrize("size", [0, 3, 200, 65_536])
def test_nothing_is_taken_of_a_frame_that_has_not_arrived_whole(size: int) -> None:
    data = client_frame(TEXT, b"a" * size)
    for cut in (*range(min(len(data), 210)), len(data) - 1):
        payloads, rest, missing = take_texts(data[:cut], LIMIT)
        assert (payloads, rest) == ([], 0)
        # Nothing is said to be missing where the length itself has not arrived.
        assert missing in ((len(data) - cut,) if cut > 13 else (len(data) - cut, 0))


@pytest.mark.parametrize("size", [0, LONG - 1, LONG, 70_000])
def test_long_payloads_may_be_unmasked_by_somebody_else(size: int) -> None:
    asked: list[tuple[bytes, int]] = []

    def unmask_long(mask: bytes, payload: bytes) -> bytes:
        asked.append((mask, len(payload)))
        return unmask(mask, payload)

    payload = b"abcdefg" * (size // 7) + b"h" * (size % 7)
    data = client_frame(TEXT, payload)
    assert take_texts(data, LIMIT, unmask_long) == ([payload], len(data), 0)
    assert asked == ([(MASK, size)] if size >= LONG else [])


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=2, max_size=600))
def test_every_way_to_unmask_does_the_same(mask: bytes, payload: bytes) -> None:
    for way in (nvx.by_nvx, nvx.unmask_long):
        # It may be unmasked in place.
        own = bytes(bytearray(payload))
        assert way(mask, own) == unmask(mask, payload)


def test_what_came_is_left_as_it_was() -> None:
    payload = b"a" * LONG
    data = client_frame(TEXT, payload)
    for _ in range(2):
        assert take_texts(data, LIMIT, nvx.unmask_long) == ([payload], len(data), 0)


@given(st.binary(), st.integers(0, 200))
def test_any_bytes_are_taken_or_left(data: bytes, limit: int) -> None:
    payloads, rest, missing = take_texts(data, limit)
    assert 0 <= rest <= len(data)
    # The longest head is 14 bytes.
    assert 0 <= missing <= limit + 14
    assert not missing or rest < len(data)
    assert all(len(payload) <= limit for payload in payloads)
    assert (rest == 0) == (payloads == [])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (client_frame(CLOSE, b""), b""),
        (client_frame(CLOSE, b"\x03\xe8"), b"\x03\xe8"),
        (client_frame(CLOSE, b"\x00\x00"), b"\x00\x00"),
        (client_frame(CLOSE, b"\x03\xe8bye"), None),
        (client_frame(CLOSE, b"\x03"), None),
        (client_frame(CLOSE, b"\x03\xe8") + b"\x81", None),
        (client_frame(CLOSE, b"")[:-1], None),
        (client_frame(PING, b"\x03\xe8"), None),
        (b"\x88\x00", None),
        (b"", None),
    ],
)
def test_a_goodbye_is_a_close_frame_without_a_reason_and_nothing_else(data: bytes, said: bytes | None) -> None:
    assert goodbye(data) == said
