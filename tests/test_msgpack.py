"""What msgpack of strangers costs, and what its keys and extensions may be; what it means is in ``test_parser``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.msgpack import Ext

from tests.support.cost import costs_less
from yekta import msgpack

SCALARS: list[Any] = [
    None,
    True,
    0.7,
    -1,
    222,
    57_054,
    1 << 63,
    "de",
    "ߞ" * 40,
    "x" * 300,
    b"\xde\x00\x10",
    b"\xdf" * 300,
]
OTHER_KEYS: list[Any] = [7, b"\xde", (1, "x"), None, 0.5]


def made(chance: random.Random, depth: int = 4) -> Any:
    """Some value."""
    if depth <= 0 or chance.random() < 0.3:
        return chance.choice(SCALARS)
    count = chance.choice([0, 1, 2, 15, 16, 70])
    if chance.random() < 0.3:
        return [chance.randrange(256) for _ in range(count)]
    values = [made(chance, depth - (count > 2) - 1) for _ in range(count)]
    if chance.random() < 0.5:
        return values
    keys: list[Any] = [f"{number}" for number in range(count)]
    if count and chance.random() < 0.1:
        keys[chance.randrange(count)] = chance.choice(OTHER_KEYS)
    return dict(zip(keys, values, strict=True))


# -- keys ----------------------------------------------------------------------------------------------------


def alike(count: int) -> Iterator[tuple[int, int]]:
    """Pairs of numbers that have one hash: Python's is xxHash, whose steps can all be taken back."""
    mask, first, second, fifth = (1 << 64) - 1, 11400714785074694791, 14029467366897019727, 2870177450012600261
    step = pow(second, -1, 1 << 64)
    for number in range(1 << 40):
        mixed = (fifth + number * second) & mask
        mixed = (mixed << 31 | mixed >> 33) & mask
        other = (7 - mixed * first) * step & mask
        other -= (other >> 63) << 64
        if abs(other) < (1 << 61) - 1 and other != -1:
            yield number, other
            count -= 1
            if not count:
                return


def test_keys_that_are_alike_are_alike() -> None:
    assert len({hash(key) for key in alike(100)}) == 1


@pytest.mark.parametrize("first", [[], ["text"], [1, 2, 3]], ids=["arrays", "text first", "numbers first"])
def test_arrays_of_one_hash_are_no_keys(first: list[Any]) -> None:
    keys = [msgspec.msgpack.encode(key) for key in (*first, *alike(8_000))]
    entries = b"".join(key + b"\x00" for key in keys)
    message = b"\x81\xa4data\x92\xa1e\x91\xde" + len(keys).to_bytes(2, "big") + entries
    with pytest.raises(msgpack.NotMsgpack):
        msgpack.decode(message)
    assert costs_less(lambda: msgpack.decode(message), 0.1)


def wrong(value: Any) -> bool:
    """Whether ``value`` has a map of more than 15 entries with a key that is no text."""
    if isinstance(value, dict):
        return (len(value) > 15 and not all(type(key) is str for key in value)) or any(map(wrong, value.values()))
    return isinstance(value, list) and any(map(wrong, value))


@pytest.mark.parametrize("seed", range(300))
def test_the_keys_of_a_map_with_more_than_fifteen_entries_are_text(seed: int) -> None:
    value = made(random.Random(seed))
    message = msgspec.msgpack.encode(value)
    if wrong(value):
        with pytest.raises(msgpack.NotMsgpack):
            msgpack.decode(message)
    else:
        assert msgpack.decode(message) == value
    for end in range(0, len(message), len(message) // 50 + 1):
        with pytest.raises(msgpack.NotMsgpack):
            msgpack.decode(message[:end])


@pytest.mark.parametrize(
    "value",
    [
        {f"{number}": [number, 0.5] for number in range(50_000)},
        [{"id": number, "at": number * 0.7, "tags": ["a", "b"]} for number in range(35_000)],
        [number % 256 for number in range(700_000)],
        [number * 0.7 for number in range(110_000)],
        [random.Random(7).randbytes(1_000_000)],
        [{f"{number:03}": number for number in range(30)}] * 5_000,
    ],
    ids=["one map", "rows", "small numbers", "floats", "bytes", "maps"],
)
def test_large_messages_as_clients_send_them_are_read(value: Any) -> None:
    message = msgspec.msgpack.encode(value)
    assert b"\xde" in message or b"\xdf" in message
    assert msgpack.decode(message) == value


@pytest.mark.parametrize(
    "unit", [b"\x91\x01", b"\x80", b"\xde\x00\x00", b"\xdc\x00\x40" + b"\x01" * 63 + b"\x90", b"\xa1a"]
)
def test_looking_at_keys_has_an_end(unit: bytes) -> None:
    count = 980_000 // len(unit)
    message = b"\x92\xde\x00\x00\xdd" + count.to_bytes(4, "big") + unit * count
    assert costs_less(lambda: msgpack.decode(message), 0.5)


def test_what_is_written_for_others_of_our_kind_is_what_they_read() -> None:
    value = {**{f"{number}": [number] for number in range(20)}, "x": b"\xde"}
    assert msgpack.encode_readable(value) == msgpack.encode(value)
    for unreadable in (dict.fromkeys(range(16)), [[]] * msgpack.MAX_CONTAINERS, object()):
        with pytest.raises(msgpack.NotMsgpack):
            msgpack.encode_readable(unreadable)


# Units of one message, and how many maps and arrays each is.
SMALLEST = {
    b"\x90": 1,
    b"\x80": 1,
    b"\x91\x90": 2,
    b"\x81\xa0\x81\xa0\x80": 3,
    b"\xdc\x00\x00": 1,
    b"\x92\x01\x80": 2,
    b"\x81\xa2\xc2\x80\x90": 2,
}


@pytest.mark.parametrize(("unit", "each"), SMALLEST.items())
def test_maps_and_arrays_are_bounded(unit: bytes, each: int) -> None:
    def message(count: int) -> bytes:
        return b"\xdd" + count.to_bytes(4, "big") + unit * count

    most = (msgpack.MAX_CONTAINERS - 1) // each
    assert len(msgpack.decode(message(most))) == most
    with pytest.raises(msgpack.NotMsgpack):
        msgpack.decode(message(most + 1))


@pytest.mark.parametrize(
    "value",
    ["ߞ" * 480_000, [{"x": 1, "y": 2}] * 140_000, [b"\x90" * 980_000], ["\u0080"] * 300_000],
    ids=["text", "rows", "bytes", "characters"],
)
def test_what_only_looks_like_too_many_is_read(value: Any) -> None:
    assert msgpack.decode(msgspec.msgpack.encode(value)) == value


# One value of each form (msgpack, "Formats"). What they hold would begin an array, if it were looked at.
FORMS = {
    "small numbers": b"\x94\x00\x7f\xe0\xff",
    "small maps and arrays": b"\x93\x80\x81\xa1a\x90\x9f" + b"\x90" * 15,
    "small texts": b"\x93\xa0\xa1a\xbf" + b"a" * 31,
    "nothing, false, true": b"\x93\xc0\xc2\xc3",
    "bytes": b"\x93\xc4\x01\xdc\xc5\x00\x01\xdc\xc6\x00\x00\x00\x01\xdc",
    "extensions": b"\x93\xc7\x03\0\xdc\xdc\xdc\xc8\x00\x03\0\xdc\xdc\xdc\xc9\x00\x00\x00\x03\0\xdc\xdc\xdc",
    "short extensions": b"\x94\xd5\0\xdc\xdc\xd6\0" + b"\xdc" * 4 + b"\xd4\0\xdc\xd8\0" + b"\xdc" * 16,
    "dates": b"\x91\xd7\0" + bytes(8),
    "floats": b"\x92\xca\xdc\xdc\xdc\xdc\xcb" + b"\xdc" * 8,
    "positive": b"\x94\xcc\xdc\xcd\xdc\xdc\xce\xdc\xdc\xdc\xdc\xcf" + b"\xdc" * 8,
    "negative": b"\x94\xd0\xdc\xd1\xdc\xdc\xd2\xdc\xdc\xdc\xdc\xd3" + b"\xdc" * 8,
    "texts": b"\x93\xd9\x01a\xda\x00\x01a\xdb\x00\x00\x00\x01a",
    "arrays": b"\x92\xdc\x00\x01\xc0\xdd\x00\x00\x00\x01\xc0",
    "maps": b"\x92\xde\x00\x01\xa1a\xc0\xdf\x00\x00\x00\x01\xa1a\xc0",
}


@pytest.mark.parametrize("head", [b"\xde\x00\x10", b"\xdf\x00\x00\x00\x10"], ids=["16 bits", "32 bits"])
@pytest.mark.parametrize("before", FORMS.values(), ids=FORMS)
def test_keys_are_found_behind_every_form(before: bytes, head: bytes) -> None:
    entries = b"".join(b"\xa1%c\x00" % (97 + number) for number in range(15))
    assert len(msgpack.decode(b"\x92" + before + head + entries + b"\xa1z\x00")[1]) == 16
    with pytest.raises(msgpack.NotMsgpack):
        msgpack.decode(b"\x92" + before + head + entries + b"\x91\x07\x00")


@pytest.mark.parametrize("length", [0, 31, 32, 255, 256, 65_536])
def test_a_key_may_be_any_text(length: int) -> None:
    value = {**{f"{number}": number for number in range(16)}, "x" * length: 16}
    assert msgpack.decode(msgspec.msgpack.encode(value)) == value


@pytest.mark.parametrize(
    "key",
    [b"\xc0", b"\x9f" + bytes(15), b"\xdc\x00\x10" + bytes(16), b"\xdd\x00\x00\x00\x01\x00", b"\xd4\x00\x00"],
    ids=["nothing", "a small array", "an array", "a large array", "undefined"],
)
def test_a_key_is_nothing_but_text(key: bytes) -> None:
    texts = b"".join(b"\xa1%c\x00" % (97 + number) for number in range(15))
    with pytest.raises(msgpack.NotMsgpack):
        msgpack.decode(b"\xde\x00\x10" + texts + key + b"\x00")


def test_keys_behind_too_many_values_to_look_at_are_refused() -> None:
    def message(values: int) -> bytes:
        return b"\x92\xde\x00\x00\xdd" + values.to_bytes(4, "big") + b"\xa0" * values

    # And the two arrays, the map, and what is left to find its end.
    most = msgpack.MAX_VALUES - 4
    assert msgpack.decode(message(most)) == [{}, [""] * most]
    with pytest.raises(msgpack.NotMsgpack):
        msgpack.decode(message(most + 1))


# -- extensions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 2, 3, 4, 7, 9, 16, 255, 256, 70_000])
def test_a_buffer_of_node_s_client_is_bytes(size: int) -> None:
    """Which writes all as ext 8, 16 and 32."""
    width = 1 if size < 0x100 else 2 if size < 0x10000 else 4
    head = bytes([0xC7 + width // 2]) + size.to_bytes(width, "big") + b"\x00"
    assert msgpack.decode(b"\x91" + head + b"x" * size) == [b"x" * size]


def test_buffers_of_one_byte_and_of_eight_are_not_told_from_undefined_and_dates() -> None:
    assert msgpack.decode(b"\x92\xc7\x01\x00x\xc7\x08\x00" + bytes(8)) == [None, "1970-01-01T00:00:00.000Z"]


@pytest.mark.parametrize("code", [1, 5, -1, 127])
def test_other_extensions_mean_nothing(code: int) -> None:
    with pytest.raises(msgpack.NotMsgpack):
        msgpack.decode(msgspec.msgpack.encode([Ext(code, b"xyz")]))


@pytest.mark.parametrize("data", [bytes(8), b"", b"xx"], ids=["dates", "empty buffers", "buffers"])
def test_dates_and_buffers_are_bounded(data: bytes) -> None:
    most = [Ext(0, data)] * msgpack.MAX_EXTENSIONS
    message = msgspec.msgpack.encode(most)
    for _ in range(2):
        assert len(msgpack.decode(message)) == len(most)
    more = msgspec.msgpack.encode([*most, Ext(0, data)])
    with pytest.raises(msgpack.NotMsgpack):
        msgpack.decode(more)


def test_undefined_is_as_cheap_as_any_value() -> None:
    message = msgspec.msgpack.encode([Ext(0, b"\x00")] * 300_000)
    assert msgpack.decode(message) == [None] * 300_000
