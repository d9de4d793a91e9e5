"""Raw clients that do what no honest client does: plain blocking sockets on loopback, every wait bounded.

    wire = Wire(port)                              # bytes as they are
    wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert wire.response().status == 200

    websocket = WebSocket(port, "/ws?token=…")     # an opening handshake, then frames of any kind
    websocket.send_text('{"event": "ping"}')
    assert websocket.end() == 1009                 # the close code, or None: cut without one
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Self

import attrs

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

# Words that an answer must not say to a stranger.
INDISCRETIONS = (b"Traceback", b'File "', b".py", b"Exception", b"<html")


class Over(Exception):
    """The other side has hung up. ``code``: the WebSocket close code, if it gave one."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


@attrs.frozen
class Response:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One TCP connection. ``send`` never fails: the other side may cut in at any moment."""

    def __init__(self, port: int, *, timeout: float = 20.0, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()

    @classmethod
    def of(cls, connected: socket.socket) -> Self:
        """The same for a socket that somebody else has connected."""
        wire = cls.__new__(cls)
        wire.socket, wire.buffer = connected, bytearray()
        return wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Hang up with a RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data: bytes) -> None:
        with suppress(ConnectionError):
            self.socket.sendall(data)

    def request(self, method: str, target: str, headers: str = "", body: bytes | str = b"") -> Response:
        """Send a whole request, and read its answer."""
        self.send(head(method, target, headers, body))
        return self.response(method)

    def response(self, method: str = "GET") -> Response:
        """The next HTTP answer, to a request of this method. Raises :class:`Over` where there is none."""
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        if method == "HEAD":
            body = b""
        elif "content-length" in headers:
            body = self.take(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            body = b"".join(self._chunks())
        else:
            body = b"" if status in (101, 204) else self.rest()
        if status >= 400:
            assert not any(word in body for word in INDISCRETIONS), body
        return Response(status, headers, body)

    def incoming(self) -> tuple[bytes, bytes]:
        """The next request of somebody else's: its head, its body of declared length."""
        asked = self._until(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", asked)
        return asked, self.take(int(length[1])) if length else b""

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes."""
        while len(self.buffer) < size:
            self._receive()
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        with suppress(Over):
            while True:
                self._receive()
        rest = bytes(self.buffer)
        self.buffer.clear()
        return rest

    def _receive(self) -> None:
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            raise Over
        self.buffer += data

    def _until(self, mark: bytes) -> bytes:
        while (end := self.buffer.find(mark)) < 0:
            self._receive()
        return self.take(end + len(mark))[:end]

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._until(b"\r\n"), 16):
            yield self.take(size)
            self._until(b"\r\n")
        self._until(b"\r\n")


def head(method: str, target: str, headers: str = "", body: bytes | str = b"") -> bytes:
    """A whole request; ``headers`` are lines without their ends."""
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers.split("\n")]
    if raw or method == "POST":
        lines.append(f"Content-Length: {len(raw)}")
    return "\r\n".join([*filter(None, lines), "", ""]).encode("latin-1") + raw


def chunked(method: str, target: str, body: bytes, size: int) -> bytes:
    """A whole request whose body comes in chunks of ``size`` bytes."""
    lines = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    parts = (body[start : start + size] for start in range(0, len(body), size))
    return lines.encode() + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def opening(target: str, headers: str = "", *, extensions: str = "") -> bytes:
    """The opening handshake of a WebSocket client."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = f"Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: {key}"
    if extensions:
        lines += f"\nSec-WebSocket-Extensions: {extensions}"
    return head("GET", target, f"{lines}\n{headers}" if headers else lines)


def frame(payload: bytes = b"", opcode: int = TEXT, *, fin: bool = True, rsv: int = 0, declared: int = -1) -> bytes:
    """One client frame, masked with zeros; ``declared`` lies about its length."""
    length = len(payload) if declared < 0 else declared
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if length < 126:
        prefix = struct.pack("!BB", first, 0x80 | length)
    elif length < 1 << 16:
        prefix = struct.pack("!BBH", first, 0x80 | 126, length)
    else:
        prefix = struct.pack("!BBQ", first, 0x80 | 127, length)
    return prefix + b"\0\0\0\0" + payload


class WebSocket(Wire):
    """An open WebSocket. Pings are answered while something is read."""

    def __init__(
        self, port: int, target: str, headers: str = "", *, extensions: str = "", receive_buffer: int = 0
    ) -> None:
        super().__init__(port, receive_buffer=receive_buffer)
        self.send(opening(target, headers, extensions=extensions))
        self._inflate = zlib.decompressobj(-15).decompress
        self.answer = self.response()
        assert self.answer.status == 101, self.answer

    def send_text(self, text: str | bytes) -> None:
        self.send(frame(text.encode() if isinstance(text, str) else text))

    def send_binary(self, data: bytes) -> None:
        self.send(frame(data, BINARY))

    def receive(self) -> tuple[int, bytes]:
        """The next data frame: its opcode, its payload. Raises :class:`Over`."""
        while True:
            opcode, length = self.take(2)
            if length == 126:
                (length,) = struct.unpack("!H", self.take(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self.take(8))
            payload = self.take(length)
            if opcode & 0x40:
                payload = self._inflate(payload + b"\0\0\xff\xff")
            match opcode & 15:
                case 8:
                    self.send(frame(payload, CLOSE))
                    raise Over(struct.unpack("!H", payload[:2])[0] if payload else None)
                case 9:
                    self.send(frame(payload, PONG))
                case 1 | 2:
                    return opcode & 15, payload

    def text(self) -> str:
        """The next text message. Raises :class:`Over`."""
        return self.receive()[1].decode()

    def end(self) -> int | None:
        """Read until the connection is over: its close code, or ``None`` for a cut."""
        try:
            while True:
                self.receive()
        except Over as over:
            return over.code
