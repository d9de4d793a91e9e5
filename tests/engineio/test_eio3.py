from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yekta.engineio.eio3 import BINARY, TEXT, encode_payload, split_payload
from yekta.engineio.errors import ProtocolError
from yekta.engineio.packet import Packet

# "b4" is how bytes are written, and no text packet begins so.
TEXTS = st.builds("{}{}".format, st.sampled_from("0123456"), st.text(st.characters(exclude_categories=("Cs",))))
PACKETS = TEXTS | st.binary()


@given(st.lists(PACKETS, min_size=1), st.booleans())
def test_packets_survive_a_payload(packets: list[Packet], binary: bool) -> None:
    assert list(split_payload(*encode_payload(packets, binary))) == packets


@given(st.sampled_from([TEXT, BINARY, "", "application/octet-stream; charset=x"]), st.binary())
def test_random_bytes_break_the_protocol_or_are_packets(content_type: str, body: bytes) -> None:
    assert_broken_or_packets(content_type, body)


def assert_broken_or_packets(content_type: str, body: bytes) -> None:
    try:
        packets = list(split_payload(content_type, body))
    except ProtocolError:
        return
    assert packets
    assert all(isinstance(packet, bytes) or packet[0] in "0123456" for packet in packets)


@given(st.lists(PACKETS, min_size=1), st.booleans(), st.data())
def test_mutated_payloads_break_the_protocol_or_are_packets(
    packets: list[Packet], binary: bool, data: st.DataObject
) -> None:
    content_type, body = encode_payload(packets, binary)
    place = data.draw(st.integers(0, len(body)))
    removed, added = data.draw(st.integers(0, 3)), data.draw(st.binary(max_size=3))
    assert_broken_or_packets(content_type, body[:place] + added + body[place + removed :])


@pytest.mark.parametrize(
    ("packets", "body"),
    [
        (["4hello"], "6:4hello"),
        (["4hello", "2"], "6:4hello1:2"),
        (["4سلام"], "5:4سلام"),
        # JavaScript counts an emoji as two.
        (["4😀", "4a"], "3:4😀2:4a"),
        (["40"], "2:40"),
        ([b"\x01\x02\x03"], "6:b4AQID"),
        ([b""], "2:b4"),
        (["4a:b", "4" + "x" * 99], "4:4a:b100:4" + "x" * 99),
    ],
)
def test_text_payloads_are_written_as_engine_io_parser_2_does(packets: list[Packet], body: str) -> None:
    assert encode_payload(packets, binary=False) == (TEXT, body.encode())
    assert list(split_payload(TEXT, body.encode())) == packets


@pytest.mark.parametrize(
    ("packets", "body"),
    [
        ([b"\x01\x02\x03"], b"\x01\x04\xff\x04\x01\x02\x03"),
        (["4a", b""], b"\x00\x02\xff4a\x01\x01\xff\x04"),
        # Here a length is in bytes, its digits are bytes.
        (["4😀€", b"x" * 11], b"\x00\x08\xff4\xf0\x9f\x98\x80\xe2\x82\xac\x01\x01\x02\xff\x04" + b"x" * 11),
    ],
)
def test_binary_payloads_are_written_as_engine_io_parser_2_does(packets: list[Packet], body: bytes) -> None:
    assert encode_payload(packets, binary=True) == (BINARY, body)
    assert list(split_payload(BINARY, body)) == packets


def test_a_payload_without_bytes_is_text_also_for_clients_that_take_bytes() -> None:
    assert encode_payload(["4a"], binary=True) == (TEXT, b"2:4a")


@pytest.mark.parametrize(
    "body",
    [
        "", "4hello", "6:4hell", "5:4hello", ":4", "x:4", "-1:4", "1.0:4", "1 :4", "٣:4ab", "²:4a", "0:", "1:9", "1:x",
        "2:4😀", "6:b4!!!!", "3:b4A", "12345678901:4", "9999999999:4", "1:41", "1", "00000000001:4",
    ],
)  # fmt: skip
def test_a_malformed_text_payload_breaks_the_protocol(body: str) -> None:
    with pytest.raises(ProtocolError):
        list(split_payload(TEXT, body.encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\x00", b"\x00\xff", b"\x00\x01", b"\x00\x02\xff4", b"\x00\x01\xff", b"\x02\x02\xff4a", b"\x00\x0a\xff4",
        b"\x01\x02\xff\x03a", b"\x01\x00\xff", b"\x00\x02\xff4\xff", b"\x00\x00\xff", b"\x00\x01\xff9",
        b"\x00\x0a\xff4aaaaaaaaa", b"\x00" + b"\x09" * 11 + b"\xff4", b"\x00\x01\xff4\x00",
    ],
)  # fmt: skip
def test_a_malformed_binary_payload_breaks_the_protocol(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(split_payload(BINARY, body))


def test_text_that_is_not_utf_8_breaks_the_protocol() -> None:
    with pytest.raises(ProtocolError):
        list(split_payload(TEXT, b"2:4\xff"))


def test_the_error_does_not_quote_what_came() -> None:
    with pytest.raises(ProtocolError) as caught:
        list(split_payload(TEXT, b"6:secret"))
    assert "secret" not in str(caught.value)


def test_thousands_of_packets_fit_into_one_payload() -> None:
    packets: list[Packet] = [f"4{number}" for number in range(50_000)]
    assert list(split_payload(*encode_payload(packets, binary=False))) == packets
