"""The default parser or msgpack, chosen by each connection's first message (reference: msgpack parser)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.socketio import House
from yekta.socketio import packet as packets
from yekta.socketio.errors import ConnectError, ProtocolError
from yekta.socketio.packet import Packet
from yekta.socketio.parser import MSGPACK, TEXT, Parser
from yekta.socketio.socket import Socket

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.binary(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(TEXTS, values, max_size=4),
    max_leaves=12,
)  # fmt: skip
NAMES = TEXTS.filter(lambda name: name not in packets.RESERVED)
NAMESPACES = st.just("/") | TEXTS.map(lambda text: "/" + text[: packets.MAX_NAMESPACE - 1])
IDS = st.none() | st.integers(0, packets.MAX_ID)
PACKETS = (
    st.builds(Packet, st.just(packets.EVENT), NAMESPACES, st.builds(lambda n, a: [n, *a], NAMES, st.lists(VALUES)), IDS)
    | st.builds(Packet, st.just(packets.ACK), NAMESPACES, st.lists(VALUES), st.integers(0, packets.MAX_ID))
    | st.builds(Packet, st.just(packets.CONNECT), NAMESPACES, st.none() | st.dictionaries(TEXTS, VALUES, max_size=3))
    | st.builds(Packet, st.just(packets.DISCONNECT), NAMESPACES)
    | st.builds(Packet, st.just(packets.CONNECT_ERROR), NAMESPACES, st.dictionaries(TEXTS, VALUES, max_size=3) | TEXTS)
)


def decode(message: Any, parser: Parser = MSGPACK) -> Packet | None:
    return parser.decoder(10, 1_000_000).decode(message)


def written(**fields: Any) -> bytes:
    return msgspec.msgpack.encode(fields)


@given(PACKETS)
def test_any_packet_decodes_to_what_was_encoded(packet: Packet) -> None:
    (message,) = MSGPACK.encode(packet)
    assert isinstance(message, bytes)
    assert decode(message) == packet


@given(PACKETS)
def test_a_packet_is_a_map_without_what_is_not_there(packet: Packet) -> None:
    (message,) = MSGPACK.encode(packet)
    fields = msgspec.msgpack.decode(message)
    assert (fields["type"], fields["nsp"]) == (packet.type, packet.namespace)
    assert ("data" in fields, "id" in fields) == (packet.data is not None, packet.id is not None)


@given(st.binary() | VALUES.map(msgspec.msgpack.encode) | st.text())
def test_random_messages_never_raise_anything_but_a_protocol_error(message: str | bytes) -> None:
    try:
        decode(message)
    except ProtocolError:
        return


@given(PACKETS, st.data())
def test_mutated_packets_never_raise_anything_but_a_protocol_error(packet: Packet, data: st.DataObject) -> None:
    (message,) = MSGPACK.encode(packet)
    assert isinstance(message, bytes)
    place = data.draw(st.integers(0, len(message)))
    mutated = message[:place] + data.draw(st.binary(max_size=3)) + message[place + data.draw(st.integers(0, 3)) :]
    try:
        decode(mutated)
    except ProtocolError:
        return


@pytest.mark.parametrize(
    "message",
    [
        b"", b"\xc1", b"\x80", b"\x90", b"\x01", b"\xc0", b"\x81\xa4type", "2[\"a\"]", "",
        written(nsp="/", data=["a"]), written(type="2", nsp="/", data=["a"]), written(type=True, nsp="/", data=["a"]),
        written(type=2.0, nsp="/", data=["a"]), written(type=5, nsp="/", data=["a"]), written(type=6, nsp="/", data=[]),
        written(type=-1, nsp="/", data=["a"]), written(type=7, nsp="/"), written(type=None, nsp="/"),
        written(type=2, data=["a"]), written(type=0), written(type=0, nsp=None), written(type=0, nsp=1),
        written(type=0, nsp=b"/"), written(type=0, nsp="/" * 257),
        written(type=2, nsp="/", data=["a"], id="1"), written(type=2, nsp="/", data=["a"], id=-1),
        written(type=2, nsp="/", data=["a"], id=1.5), written(type=2, nsp="/", data=["a"], id=True),
        written(type=2, nsp="/", data=["a"], id=(1 << 53) + 1), written(type=0, nsp="/", data=[]),
        written(type=0, nsp="/", data="x"), written(type=0, nsp="/", data=1), written(type=1, nsp="/", data={}),
        written(type=2, nsp="/"), written(type=2, nsp="/", data=None), written(type=2, nsp="/", data=[]),
        written(type=2, nsp="/", data={"0": "a"}), written(type=2, nsp="/", data="a"),
        written(type=2, nsp="/", data=[None]), written(type=2, nsp="/", data=[True]),
        written(type=2, nsp="/", data=[[]]),
        written(type=2, nsp="/", data=[b"a"]), written(type=2, nsp="/", data=["connect"]),
        written(type=2, nsp="/", data=["disconnect"]), written(type=3, nsp="/", id=1),
        written(type=3, nsp="/", data={}, id=1), written(type=4, nsp="/"), written(type=4, nsp="/", data=1),
        written(type=2, nsp="/", data=["a"]) + b"\x00", b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xd4\x05\x00",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xd5\x05\x00\x00",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa2\xff\xff",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\x81\x80\x01",
    ],
)  # fmt: skip
def test_a_protocol_error_is_made_of(message: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(message)


@pytest.mark.parametrize("fields", [b"\xa4data\xd4\x00\x00", b"\xa4data\xc0"])
def test_javascript_s_undefined_is_nothing(fields: bytes) -> None:
    assert decode(b"\x83\xa4type\x00\xa3nsp\xa1/" + fields) == Packet(packets.CONNECT)


def test_undefined_within_data_is_none() -> None:
    packet = decode(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xd4\x00\x00")
    assert packet == Packet(packets.EVENT, data=["a", None])


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1767225600123, "2026-01-01T00:00:00.123Z"), (-1, "1969-12-31T23:59:59.999Z")],
)
def test_javascript_s_date_is_the_text_that_json_would_make_of_it(milliseconds: int, text: str) -> None:
    date = b"\xd7\x00" + milliseconds.to_bytes(8, "big", signed=True)
    packet = decode(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a" + date)
    assert packet == Packet(packets.EVENT, data=["a", text])


@pytest.mark.parametrize("milliseconds", [1 << 62, -(1 << 62)])
def test_a_date_beyond_all_calendars_is_a_protocol_error(milliseconds: int) -> None:
    date = b"\xd7\x00" + milliseconds.to_bytes(8, "big", signed=True)
    with pytest.raises(ProtocolError):
        decode(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a" + date)


@pytest.mark.parametrize("parser", [TEXT, MSGPACK])
@pytest.mark.parametrize("value", [object(), {1, object()}, 1 << 70, print, [object()]])
def test_what_a_parser_cannot_say_is_a_value_error(parser: Parser, value: Any) -> None:
    with pytest.raises(ValueError, match=r"\A.*\Z"):
        parser.encode(Packet(packets.EVENT, data=["a", value]))


# -- chosen per connection -----------------------------------------------------------------------------------


def say(**fields: Any) -> bytes:
    return written(**{"nsp": "/", **fields})


def test_each_connection_is_answered_as_it_spoke_first(house: House) -> None:
    text, binary = house.browser(), house.browser()
    text.say("0")
    binary.say(say(type=0))
    (answer,) = text.heard()
    assert str(answer).startswith('0{"sid":')
    (message,) = binary.heard()
    assert isinstance(message, bytes)
    fields = msgspec.msgpack.decode(message)
    assert (fields["type"], fields["nsp"], list(fields["data"])) == (0, "/", ["sid"])


def test_a_broadcast_reaches_both_kinds(house: House) -> None:
    text, binary = house.browser(), house.browser()
    text.say("0")
    binary.say(say(type=0))
    text.heard()
    binary.heard()
    house.server.emit("news", b"\x01", {"سلام": "😀"})
    assert text.heard() == ['51-["news",{"_placeholder":true,"num":0},{"سلام":"😀"}]', b"\x01"]
    assert [msgspec.msgpack.decode(each) for each in binary.heard()] == [
        {"type": 2, "nsp": "/", "data": ["news", b"\x01", {"سلام": "😀"}]}
    ]


def test_events_bytes_and_acknowledgements_both_ways(house: House) -> None:
    sockets: list[Socket] = []

    @house.server.on_connection
    def connected(socket: Socket) -> None:
        sockets.append(socket)
        socket.on("hello")(lambda *args: args)

    browser = house.browser()
    browser.say(say(type=0, data={"token": "x"}))
    browser.heard()
    assert sockets[0].handshake.auth == {"token": "x"}
    browser.say(say(type=2, data=["hello", b"\x01", None, [1.5]], id=7))
    answers: list[Any] = []
    sockets[0].emit_with_ack("question").addCallback(answers.append)
    reply, question = (msgspec.msgpack.decode(each) for each in browser.heard())
    assert reply == {"type": 3, "nsp": "/", "data": [b"\x01", None, [1.5]], "id": 7}
    browser.say(say(type=3, data=[b"\x02"], id=question["id"]))
    assert answers == [b"\x02"]


def test_a_refusal_and_a_farewell_are_msgpack_too(house: House) -> None:
    @house.of("/closed").use
    def refuse(socket: Socket) -> None:
        raise ConnectError("no", {"why": b"\x01"})

    browser = house.browser()
    browser.say(say(type=0, nsp="/closed"), say(type=0, nsp="/nope"), say(type=0))
    refused, unknown, _ = (msgspec.msgpack.decode(each) for each in browser.heard())
    assert refused == {"type": 4, "nsp": "/closed", "data": {"message": "no", "data": {"why": b"\x01"}}}
    assert unknown == {"type": 4, "nsp": "/nope", "data": {"message": "Invalid namespace"}}
    house.server.sockets.disconnect_sockets()
    assert [msgspec.msgpack.decode(each) for each in browser.heard()] == [{"type": 1, "nsp": "/"}]


def test_nobody_changes_parsers_on_the_way(house: House) -> None:
    text, binary = house.browser(), house.browser()
    text.say("0", say(type=2, data=["a"]))
    binary.say(say(type=0), '2["a"]')
    assert (text.open, binary.open) == (False, False)


def test_over_polling_it_is_base64(house: House) -> None:
    poller = house.poller()
    poller.say(say(type=0))
    (answer,) = poller.heard()
    assert isinstance(answer, bytes)
    assert msgspec.msgpack.decode(answer)["type"] == 0
