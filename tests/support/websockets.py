"""The client's side of a WebSocket in memory, frame by frame, and a receiver that writes down what it is told.

    client = WebSocketClient(HttpClient(site, clock), "/ws?token=…")
    client.send_text("hello")
    client.texts()                                 # every text message the server has sent so far

    receiver, client = connect(factory, clock)     # without HTTP: a WebSocket of `factory`, already open
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
from twisted.internet.task import Clock
from zope.interface import implementer

from tests.support.memory import Answer, HttpClient, MemoryTransport, compose
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.interfaces import IReceiver, IWebSocket
from yekta.websocket.protocol import WebSocket

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    width: int | None = None,
) -> bytes:
    """One frame as clients send them. ``width``: the bits of its length, 7, 16 or 64, also where fewer would do."""
    size = len(payload)
    if width is None:
        width = 7 if size < 126 else 16 if size < 1 << 16 else 64
    masked = 0x80 if mask is not None else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if width == 7:
        head += bytes([masked | size])
    else:
        head += bytes([masked | {16: 126, 64: 127}[width]]) + size.to_bytes(width // 8, "big")
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def close_payload(code: int, reason: str = "") -> bytes:
    """What a close frame carries."""
    return code.to_bytes(2, "big") + reason.encode()


def server_frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of each whole frame that a server sent. They are never masked, fragmented or compressed."""
    while len(data) >= 2:
        assert data[0] & 0xF0 == 0x80, "a server's frame must be final, without reserved bits"
        assert data[1] < 0x80, "a server's frame must not be masked"
        size, start = data[1], 2
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            return
        yield data[0] & 0x0F, data[start : start + size]
        data = data[start + size :]


class WebSocketClient:
    """Asks for an upgrade. ``accepted``: it was granted; else ``answer`` is the refusal, or ``None`` so far."""

    def __init__(self, http: HttpClient, target: str = "/", headers: Mapping[str, str] = {}, rest: bytes = b"") -> None:
        self.http = http
        self.transport = http.transport
        http.send(compose("GET", target, {**HANDSHAKE, **headers}) + rest)
        self.answer: Answer | None = http.answer()

    @property
    def accepted(self) -> bool:
        self.answer = self.answer or self.http.answer()
        return self.answer is not None and self.answer.status == 101

    def send(self, data: bytes) -> None:
        self.transport.receive(data)

    def send_text(self, text: str) -> None:
        self.send(client_frame(TEXT, text.encode()))

    def send_binary(self, data: bytes) -> None:
        self.send(client_frame(BINARY, data))

    def send_close(self, code: int = 1000, reason: str = "") -> None:
        self.send(client_frame(CLOSE, close_payload(code, reason)))

    def frames(self) -> list[tuple[int, bytes]]:
        """Everything the server has sent since the 101."""
        return list(server_frames(self.http.unread()))

    def texts(self) -> list[str]:
        return [payload.decode() for opcode, payload in self.frames() if opcode == TEXT]

    def close(self) -> tuple[int, str] | None:
        """Code and reason of the server's close frame, if it came; 1005 where it carried none."""
        for opcode, payload in self.frames():
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big") if payload else 1005, payload[2:].decode()
        return None


def _nothing(recorder: Recorder, data: Any) -> None:
    """What a `Recorder` does by itself."""


@implementer(IReceiver)
@attrs.define(eq=False)
class Recorder:
    """``told``: every call, in order. ``then`` is called with each message, after it was written down."""

    then: Callable[[Recorder, Any], None] = _nothing
    told: list[tuple[Any, ...]] = attrs.field(factory=list)
    websocket: IWebSocket = attrs.field(init=False)

    def opened(self, websocket: IWebSocket) -> None:
        self.websocket = websocket
        self.told.append(("opened",))

    def text_received(self, text: bytes) -> None:
        said = text.decode()
        self.told.append(("text", said))
        self.then(self, said)

    def binary_received(self, data: bytes) -> None:
        self.told.append(("binary", data))
        self.then(self, data)

    def drained(self) -> None:
        self.told.append(("drained",))

    def connection_lost(self, code: int, reason: str) -> None:
        self.told.append(("lost", code, reason))

    def messages(self) -> list[Any]:
        return [data for kind, *rest in self.told if kind in ("text", "binary") for data in rest]


class _Direct(HttpClient):
    """A connection that is a WebSocket's from its first byte."""

    def __init__(self, websocket: WebSocket, clock: Clock) -> None:
        self.transport = MemoryTransport(clock)
        self.refused = False
        self._read = 0
        self.transport.protocol = websocket
        websocket.makeConnection(self.transport)


def connect(
    factory: WebSocketFactory, clock: Clock, recorder: Recorder | None = None, headers: Mapping[str, str] = {}
) -> tuple[Recorder, WebSocketClient]:
    """An open WebSocket of ``factory``: what it tells its receiver, and its client."""
    recorder = recorder or Recorder()
    websocket = factory.build(recorder)
    websocket.left = lambda: None
    return recorder, WebSocketClient(_Direct(websocket, clock), headers=headers)
