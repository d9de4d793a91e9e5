from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from yekta.socketio.errors import ProtocolError
from yekta.socketio.packet import (
    ACK,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    RESERVED,
    Decoder,
    Packet,
    decode_text,
    encode,
)

# -- what hypothesis draws ---------------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
plain = st.one_of(st.none(), st.booleans(), numbers, text)
leaves = plain | st.binary(max_size=20)
keys = text.filter(lambda key: key != "_placeholder")
# Ten attachments are the most that a packet may have.
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))
namespaces = st.just("/") | st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"]), max_size=255).map(
    "/{}".format
)
ids = st.none() | st.integers(0, 2**53)
names = text.filter(lambda name: name not in RESERVED) | st.integers(-(2**63), 2**63)

events = st.builds(lambda name, args: [name, *args], names, st.lists(values, max_size=4))
packets = st.one_of(
    st.builds(Packet, st.just(CONNECT), namespaces, st.none() | st.dictionaries(keys, plain, max_size=3)),
    st.builds(Packet, st.just(DISCONNECT), namespaces),
    st.builds(Packet, st.just(EVENT), namespaces, events, ids),
    st.builds(Packet, st.just(ACK), namespaces, st.lists(values, max_size=4), ids),
    st.builds(Packet, st.just(CONNECT_ERROR), namespaces, text | st.dictionaries(keys, plain, max_size=3)),
)


def attachments_in(value: Any) -> int:
    if isinstance(value, bytes):
        return 1
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(attachments_in, inner))


small = packets.filter(lambda packet: attachments_in(packet.data) <= 10)


def decoded(messages: list[str | bytes], **limits: int) -> Packet | None:
    decoder = Decoder(**limits)
    early = [decoder.decode(message) for message in messages[:-1]]
    assert early == [None] * len(early)
    packet = decoder.decode(messages[-1])
    assert decoder.waiting == (packet is None)
    return packet


# -- both ways ---------------------------------------------------------------------------------------------------


@given(small)
@settings(max_examples=200)
def test_any_packet_decodes_to_what_was_encoded(packet: Packet) -> None:
    assert decoded(encode(packet)) == packet


WIRE: list[tuple[list[str | bytes], Packet]] = [
    (["0"], Packet(CONNECT)),
    (['0/admin,{"token":"t"}'], Packet(CONNECT, "/admin", {"token": "t"})),
    (["1/admin,"], Packet(DISCONNECT, "/admin")),
    (['2["e",1]'], Packet(EVENT, "/", ["e", 1])),
    (['2/admin,12["e"]'], Packet(EVENT, "/admin", ["e"], 12)),
    (["35[]"], Packet(ACK, "/", [], 5)),
    (['4/nope,{"message":"Invalid namespace"}'], Packet(CONNECT_ERROR, "/nope", {"message": "Invalid namespace"})),
    (['51-["e",{"_placeholder":true,"num":0}]', b"\1"], Packet(EVENT, "/", ["e", b"\1"])),
    (['61-/a,7[{"_placeholder":true,"num":0}]', b"\1"], Packet(ACK, "/a", [b"\1"], 7)),
    (
        ['52-["e",{"a":{"_placeholder":true,"num":0}},[{"_placeholder":true,"num":1}]]', b"x", b""],
        Packet(EVENT, "/", ["e", {"a": b"x"}, [b""]]),
    ),
]


@pytest.mark.parametrize(("messages", "packet"), WIRE)
def test_the_wire_form_is_the_protocols(messages: list[str | bytes], packet: Packet) -> None:
    assert encode(packet) == messages
    assert decoded(messages) == packet


def test_a_namespace_needs_no_comma_at_the_end() -> None:
    assert decoded(["0/admin"]) == Packet(CONNECT, "/admin")


@pytest.mark.parametrize(
    ("messages", "packet"), [(["31"], Packet(ACK, id=1)), (["61-/a,7", b"x"], Packet(ACK, "/a", id=7))]
)
def test_an_acknowledgement_may_have_no_data_as_in_node(messages: list[str | bytes], packet: Packet) -> None:
    assert decoded(messages) == packet


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes_travels_as_an_attachment(kind: Any) -> None:
    assert encode(Packet(EVENT, "/", ["e", kind(b"ab")]))[1:] == [b"ab"]


def test_what_looks_like_a_placeholder_in_text_is_data() -> None:
    data = ["e", {"_placeholder": True, "num": 0}]
    assert decoded(["2" + json.dumps(data)]) == Packet(EVENT, "/", data)


@pytest.mark.parametrize("value", [object(), {1: 2}, 2**70, "\ud800", {"a": {object()}}])
def test_what_json_cannot_say_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError, match=r".*"):
        encode(Packet(EVENT, "/", ["e", value]))


@pytest.mark.parametrize("kind", [CONNECT, CONNECT_ERROR])
def test_only_events_and_acknowledgements_have_attachments(kind: int) -> None:
    with pytest.raises(ValueError, match=r".*"):
        encode(Packet(kind, "/", {"message": b"\1"}))


# -- whatever comes ----------------------------------------------------------------------------------------------


def feed(*messages: str | bytes) -> None:
    """Only a packet or a protocol error may come of it, and its text quotes nothing."""
    decoder = Decoder()
    try:
        for message in messages:
            decoder.decode(message)
    except ProtocolError as error:
        assert_quotes_nothing(error)


def assert_quotes_nothing(error: ProtocolError) -> None:
    assert re.fullmatch("[A-Za-z ]{5,60}", str(error))


@given(st.lists(st.text() | st.binary() | st.text("0123456789-/,[]{}\"e_\\ud8").map("5".__add__), max_size=4))
@settings(max_examples=200)
def test_random_messages_never_raise_anything_but_a_protocol_error(messages: list[str | bytes]) -> None:
    feed(*messages)


@given(small, st.data())
@settings(max_examples=200)
def test_mutated_packets_never_raise_anything_but_a_protocol_error(packet: Packet, data: st.DataObject) -> None:
    messages = encode(packet)
    head = messages[0]
    assert isinstance(head, str)
    at = data.draw(st.integers(0, len(head)))
    cut = data.draw(st.integers(0, 3))
    inserted = data.draw(st.sampled_from(["", "9", "-", "{", "]", ",", "/", '"', "\\ud800", "null", "1e999", "٣"]))
    feed(head[:at] + inserted + head[at + cut :], *messages[1:])


BROKEN = {
    "nothing at all": "",
    "an unknown type": "7",
    "a type in another script's digits": "٢[\"e\"]",
    "broken JSON": '2["e"',
    "a number that is none": '2["e",NaN]',
    "an infinite number": '2["e",1e400]',
    "a byte order mark": '2\ufeff["e"]',
    "null": "2null",
    "an event that is no list": '2{"a":1}',
    "an event without a name": "2[]",
    "an event whose name is null": "2[null]",
    "an event whose name is true": "2[true]",
    "an event whose name is an object": '2[{"toString":"foo"}]',
    "an event whose name is an attachment": '51-[{"_placeholder":true,"num":0}]',
    "an acknowledgement that is no list": "31{}",
    "an acknowledgement whose data is null": "31null",
    "CONNECT data that is no object": '0"token"',
    "CONNECT data that is a list": "0[]",
    "DISCONNECT with data": '1["e"]',
    "no attachments announced": '50-["e"]',
    "eleven attachments": '511-["e"]',
    "minus one attachment": '5-1-["e"]',
    "a huge number of attachments": '51000000000-["e"]',
    "no number of attachments": '5["e"]',
    "a number of attachments in another script's digits": '5٣-["e"]',
    "a superscript number of attachments": '5²-["e"]',
    "an id in another script's digits": '2٣["e"]',
    "a superscript id": '2²["e"]',
    "an id beyond 2^53": '29007199254740993["e"]',
    "an id of 17 digits": '2' + "1" * 17 + '["e"]',
    "an id of 5,000 digits": '2' + "1" * 5_000 + '["e"]',
    "a namespace of 257 characters": "0/" + "n" * 256,
    "a namespace of 257 characters with its comma": "0/" + "n" * 256 + ",",
    "a namespace of a million characters": "0/" + "n" * 1_000_000,
    "100,000 lists in lists": '2["e",' + "[" * 100_000 + "]" * 100_000 + "]",
    "100,000 objects in objects": '2["e",' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "]",
    "400,000 open brackets": "2" + "[" * 400_000,
    "100,000 lists in lists with half an emoji": '2["\\ud83d",' + "[" * 100_000 + "]" * 100_000 + "]",
} | {f"the reserved name {name}": f'2["{name}"]' for name in sorted(RESERVED)}


@pytest.mark.parametrize("message", BROKEN.values(), ids=BROKEN.keys())
def test_a_protocol_error_is_made_of(message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        Decoder().decode(message)
    assert_quotes_nothing(caught.value)


def test_the_longest_namespace_and_the_longest_id_pass() -> None:
    name = "/" + "n" * 255
    assert decoded([f'2{name},9007199254740992["e"]']) == Packet(EVENT, name, ["e"], 2**53)


def test_100_000_arguments_pass() -> None:
    assert decoded(["2" + json.dumps(["e"] + [0] * 100_000)]) == Packet(EVENT, "/", ["e"] + [0] * 100_000)


def test_half_an_emoji_becomes_a_replacement_character() -> None:
    assert decoded(['2["e","\\ud83d"]']) == Packet(EVENT, "/", ["e", "\ufffd"])


@given(st.integers(0, 2**60))
@example(2**53)
@example(2**53 + 1)
def test_ids_up_to_two_to_the_53_survive_as_they_are(number: int) -> None:
    message = f'2{number}["e"]'
    if number > 2**53:
        with pytest.raises(ProtocolError):
            decode_text(message)
    else:
        assert decode_text(message)[0].id == number
