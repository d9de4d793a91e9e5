"""Bytes that follow a packet: how many, how large, and where they belong."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.socketio.test_packet import decoded, feed
from tests.support.cost import costs_less, seconds_of
from yekta.socketio.errors import ProtocolError
from yekta.socketio.packet import EVENT, MAX_KEPT, MAX_SEARCHED, Decoder, Packet, decode_text, encode


def test_ten_attachments_pass() -> None:
    packet = Packet(EVENT, "/", ["e", *[bytes([n]) for n in range(10)]])
    assert decoded(encode(packet)) == packet


@pytest.mark.parametrize("most", [0, 1, 20])
def test_the_number_of_attachments_has_a_setting(most: int) -> None:
    fits = encode(Packet(EVENT, "/", ["e", *[b"x"] * most]))
    decode_text(str(fits[0]), most)
    with pytest.raises(ProtocolError):
        decode_text(str(encode(Packet(EVENT, "/", ["e", *[b"x"] * (most + 1)]))[0]), most)


# CVE-2022-2421: a number that was not checked put a function into the data.
@pytest.mark.parametrize("number", ['"splice"', "-1", "1", "10", "0.5", "0.0", "null", "true", "false", "[]", "1" * 20])
@pytest.mark.parametrize("where", ['["e",%s]', '["e",{"a":[%s]}]'])
def test_a_placeholder_that_points_nowhere_is_a_protocol_error(number: str, where: str) -> None:
    decoder = Decoder()
    head = where % f'{{"_placeholder":true,"num":{number}}}'
    assert decoder.decode("51-" + head) is None
    with pytest.raises(ProtocolError):
        decoder.decode(b"x")


def test_a_placeholder_without_a_number_is_a_protocol_error() -> None:
    decoder = Decoder()
    decoder.decode('51-["e",{"_placeholder":true}]')
    with pytest.raises(ProtocolError):
        decoder.decode(b"x")


@pytest.mark.parametrize("between", ["", ',{"_placeholder":true,"num":1}'])
def test_an_attachment_that_is_named_twice_is_a_protocol_error(between: str) -> None:
    first = '{"_placeholder":true,"num":0}'
    decoder = Decoder()
    decoder.decode(f'52-["e",{first}{between},{{"a":{first}}}]')
    decoder.decode(b"x")
    with pytest.raises(ProtocolError):
        decoder.decode(b"y")


def test_the_same_bytes_twice_are_two_attachments() -> None:
    packet = Packet(EVENT, "/", ["e", b"x", [b"x"]])
    assert len(encode(packet)) == 3
    assert decoded(encode(packet)) == packet


@pytest.mark.parametrize("truthy", ["1", '"true"', "[]", "{}"])
def test_only_true_makes_a_placeholder(truthy: str) -> None:
    decoder = Decoder()
    decoder.decode(f'51-["e",{{"_placeholder":{truthy},"num":0}}]')
    packet = decoder.decode(b"x")
    assert packet is not None
    assert packet.data[1]["num"] == 0


@pytest.mark.parametrize("depth", [100, 1_000])
def test_a_deep_packet_with_attachments_is_put_together_or_refused(depth: int) -> None:
    feed('51-["e",' + "[" * depth + '{"_placeholder":true,"num":0}' + "]" * depth + "]", b"x")


@pytest.mark.parametrize("row", ['{"x":[1]}', "[[1]]", '{"x":{"y":[]}}'])
def test_as_much_is_searched_for_placeholders_as_clients_send_and_no_more(row: str) -> None:
    def packet(rows: int) -> Packet | None:
        decoder = Decoder()
        assert decoder.decode(f'51-["e",[{",".join([row] * rows)}],{{"_placeholder":true,"num":0}}]') is None
        return decoder.decode(b"x")

    # The data itself and the list of rows are looked through as well; what is empty is not.
    most = (MAX_SEARCHED - 2) // 2
    fits = packet(most)
    assert fits is not None
    assert (len(fits.data[1]), fits.data[2]) == (most, b"x")
    with pytest.raises(ProtocolError):
        packet(most + 1)


@pytest.mark.parametrize("item", ["[]", "{}", "1", "[1]", '{"":1}', "[[[[1]]]]"])
def test_the_search_for_placeholders_takes_no_longer_than_reading_does(item: str) -> None:
    number = 980_000 // (len(item) + 1)
    text = f'51-["e",{{"_placeholder":true,"num":0}}{f",{item}" * number}]'

    def both() -> None:
        decoder = Decoder()
        decoder.decode(text)
        decoder.decode(b"")

    def is_cheap() -> bool:
        reading = seconds_of(lambda: decode_text(text), times=1)
        # Some reading is not worth mentioning.
        looking = seconds_of(lambda: [type(each) is dict for each in range(number)], times=1)
        return costs_less(both, 3 * (reading + looking), tries=1)

    # All of it at one speed of the machine: whoever else is on it comes and goes.
    assert any(is_cheap() for _ in range(20))


@pytest.mark.parametrize("size", [MAX_KEPT, MAX_KEPT + 1])
def test_a_packet_that_waits_for_attachments_is_what_it_was(size: int) -> None:
    head = '51-/a,7["e",{"_placeholder":true,"num":0},"'
    text = head + "x" * (size - len(head) - 2) + '"]'
    assert len(text) == size
    assert decoded([text, b"y"]) == Packet(EVENT, "/a", ["e", b"y", "x" * (size - len(head) - 2)], 7)


def test_a_packet_that_waits_for_attachments_takes_not_much_more_than_its_text() -> None:
    decoders = [Decoder() for _ in range(3)]
    text = '51-["e",{"_placeholder":true,"num":0}' + ",[]" * 300_000 + "]"
    tracemalloc.start()
    try:
        for decoder in decoders:
            decoder.decode(str.join("", [text, " "]))
        taken = tracemalloc.get_traced_memory()[0] / len(decoders)
    finally:
        tracemalloc.stop()
    assert taken < 2 * len(text)


@pytest.mark.parametrize("text", ["51-[]", "51-[1", '61-{"a":1}', "51-/a,"])
def test_a_long_packet_that_is_wrong_is_a_protocol_error_once_it_is_read(text: str) -> None:
    decoder = Decoder()
    assert decoder.decode(text + " " * MAX_KEPT) is None
    with pytest.raises(ProtocolError):
        decoder.decode(b"x")


@pytest.mark.parametrize("text", ["5", "5-", "50-", "511-", "5x-[]"])
def test_a_long_packet_with_a_wrong_number_of_attachments_is_one_at_once(text: str) -> None:
    with pytest.raises(ProtocolError):
        Decoder().decode(text + " " * MAX_KEPT)


def test_attachments_together_are_bounded() -> None:
    head = encode(Packet(EVENT, "/", ["e", b"", b""]))[0]
    assert decoded([head, b"12345", b"67890"], max_bytes=10) is not None
    decoder = Decoder(max_bytes=10)
    decoder.decode(head)
    decoder.decode(b"12345")
    with pytest.raises(ProtocolError):
        decoder.decode(b"678901")


def test_the_bytes_of_one_packet_do_not_count_for_the_next() -> None:
    decoder = Decoder(max_bytes=10)
    head = encode(Packet(EVENT, "/", ["e", b""]))[0]
    for _ in range(3):
        assert decoder.decode(head) is None
        assert decoder.decode(b"1234567890") == Packet(EVENT, "/", ["e", b"1234567890"])


@pytest.mark.parametrize("messages", [[b"x"], ['51-["e"]', '2["e"]'], ['51-["e"]', b"x", b"y"]])
def test_attachments_come_right_after_their_packet(messages: list[str | bytes]) -> None:
    decoder = Decoder()
    for message in messages[:-1]:
        decoder.decode(message)
    with pytest.raises(ProtocolError):
        decoder.decode(messages[-1])
