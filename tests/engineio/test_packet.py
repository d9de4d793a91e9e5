from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yekta.engineio.errors import ProtocolError
from yekta.engineio.packet import Packet, decode_payload, encode_payload

TEXTS = st.builds("{}{}".format, st.sampled_from("0123456"), st.text().filter(lambda text: "\x1e" not in text))
PACKETS = TEXTS | st.binary()


@given(st.lists(PACKETS, min_size=1))
def test_packets_survive_a_payload(packets: list[Packet]) -> None:
    assert decode_payload(encode_payload(packets)) == packets


@given(st.text() | st.text("0123456b=A\x1e"))
def test_any_payload_has_packets_or_breaks_the_protocol(payload: str) -> None:
    try:
        packets = decode_payload(payload)
    except ProtocolError:
        return
    assert len(packets) == payload.count("\x1e") + 1
    assert all(isinstance(packet, bytes) or packet[0] in "0123456" for packet in packets)


@pytest.mark.parametrize(
    ("payload", "packets"),
    [
        ("4hello", ["4hello"]),
        ("4hello\x1e2\x1e4€", ["4hello", "2", "4€"]),
        ("4hello\x1ebAQIDBA==", ["4hello", b"\x01\x02\x03\x04"]),
        ("b", [b""]),
        ("4", ["4"]),
    ],
)
def test_the_protocol_s_own_examples(payload: str, packets: list[Packet]) -> None:
    assert decode_payload(payload) == packets
    assert encode_payload(packets) == payload


@pytest.mark.parametrize(
    "payload",
    ["", "\x1e", "4a\x1e", "\x1e4a", "7", "9", "a", " 4", "4a\x1eabc", "b!!!", "bAQI", "bAQ ID", "b\xe9", "٤", "²"],
)
def test_a_malformed_packet_breaks_the_whole_payload(payload: str) -> None:
    with pytest.raises(ProtocolError):
        decode_payload(payload)


def test_the_error_does_not_quote_what_came() -> None:
    with pytest.raises(ProtocolError) as caught:
        decode_payload("secret")
    assert "secret" not in str(caught.value)


def test_thousands_of_packets_fit_into_one_payload() -> None:
    packets: list[Packet] = [f"4{number}" for number in range(50_000)]
    assert decode_payload(encode_payload(packets)) == packets
