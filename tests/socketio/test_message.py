from __future__ import annotations

from typing import Any

import pytest

from tests.support.socketio import MakeHouse, messages_of
from yekta.engineio.packet import Packet
from yekta.socketio.message import Message, PreparedPacket
from yekta.websocket.frame import BINARY, TEXT, frame


class Counting:
    """A format that counts how often it is used."""

    def __init__(self) -> None:
        self.used = 0

    def encode(self, *message: Any) -> str:
        self.used += 1
        return f"{id(self)} {self.used}"


def test_a_message_is_encoded_once_for_each_format() -> None:
    message = Message(["e", 1])
    one, other = Counting(), Counting()
    encoded = [message.encoded(format) for format in (one, other, one, other)]
    assert encoded[:2] == encoded[2:]
    assert encoded[0] != encoded[1]
    assert (one.used, other.used) == (1, 1)


def test_two_messages_share_nothing() -> None:
    format = Counting()
    assert Message(["e"]).encoded(format) != Message(["e"]).encoded(format)


@pytest.mark.parametrize(
    ("messages", "packets", "frames"),
    [
        (['2["e"]'], ['42["e"]'], frame(TEXT, b'42["e"]')),
        (['2["é"]'], ['42["é"]'], frame(TEXT, '42["é"]'.encode())),
        (['51-["e"]', b"\1"], ['451-["e"]', b"\1"], frame(TEXT, b'451-["e"]') + frame(BINARY, b"\1")),
    ],
)
def test_a_prepared_message_is_the_same_as_packets_and_as_frames(
    messages: list[str | bytes], packets: list[Packet], frames: bytes
) -> None:
    prepared = PreparedPacket(messages)
    assert prepared.packets == packets
    assert messages_of(prepared.packets) == messages
    assert prepared.frames == frames
    assert prepared.frames is prepared.frames


@pytest.mark.parametrize("data", ["text", b"bytes"])
def test_a_broadcast_to_many_is_encoded_once_for_each_spelling(make_house: MakeHouse, data: object) -> None:
    house = make_house(aliases={"/ws": "/"})
    browsers = [house.browser() for _ in range(50)]
    for browser, spelling in zip(browsers, ["/", "/ws"] * 25, strict=True):
        browser.connect(spelling)
        browser.transport.prepared.clear()
    house.server.emit("news", data)
    prepared = [each for browser in browsers for each in browser.transport.prepared]
    assert len(prepared) == 50
    assert len(set(map(id, prepared))) == 2
    texts = {str(browser.heard()[0]) for browser in browsers}
    assert len(texts) == 2
    assert all("news" in text for text in texts)
