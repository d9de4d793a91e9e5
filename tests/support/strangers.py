"""Somebody at each door, on raw connections: says what no client library would let through.

All three speak alike: ``say("echo", '{"any": "JSON text"}')``, ``say_raw(…)`` for one whole message of the door's
protocol, ``hear()`` for the next event as ``(name, data)``. :class:`~tests.support.attacks.Over` is how it ends.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Protocol, Self

from tests.support.attacks import Over, WebSocket, Wire

SEPARATOR = "\x1e"


class Stranger(Protocol):
    """See the module."""

    def say(self, event: str, data: str) -> None: ...

    def say_raw(self, message: str) -> None: ...

    def hear(self) -> tuple[str, Any]: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Native(WebSocket):
    """A native WebSocket client that is past its welcome."""

    def __init__(self, port: int, token: str, *, extensions: str = "", receive_buffer: int = 0) -> None:
        super().__init__(port, f"/ws?token={token}", extensions=extensions, receive_buffer=receive_buffer)
        name, self.welcome = self.hear()
        assert name == "connected"

    def say(self, event: str, data: str) -> None:
        self.send_text(f'{{"event": {json.dumps(event)}, "data": {data}}}')

    def say_raw(self, message: str) -> None:
        self.send_text(message)

    def hear(self) -> tuple[str, Any]:
        message = json.loads(self.text())
        return message["event"], message["data"]


class EngineIO(WebSocket):
    """An Engine.IO client over WebSocket that has not said anything yet."""

    def __init__(self, port: int, query: str = "", *, extensions: str = "", receive_buffer: int = 0) -> None:
        target = f"/socket.io/?EIO=4&transport=websocket{query}"
        super().__init__(port, target, extensions=extensions, receive_buffer=receive_buffer)
        self.handshake = json.loads(self.text()[1:])

    def packet(self) -> str:
        """The next packet; Engine.IO's pings are answered."""
        while (packet := self.text()) == "2":
            self.send_text("3")
        return packet


class SocketIO(EngineIO):
    """A Socket.IO client over WebSocket that is past its welcome."""

    def __init__(self, port: int, token: str, *, extensions: str = "", receive_buffer: int = 0) -> None:
        super().__init__(port, extensions=extensions, receive_buffer=receive_buffer)
        self.send_text(f'40{{"token":"{token}"}}')
        assert self.packet().startswith("40")
        assert self.packet().startswith('42["connected"')

    def say(self, event: str, data: str) -> None:
        self.send_text(f"42[{json.dumps(event)},{data}]")

    def say_raw(self, message: str) -> None:
        self.send_text(message)

    def hear(self) -> tuple[str, Any]:
        return event_of(self.packet())


class Poller:
    """An Engine.IO client over polling that has not said anything yet. One connection carries its requests."""

    def __init__(self, port: int, query: str = "") -> None:
        self.wire = Wire(port)
        self._packets: deque[str] = deque()
        opened = self.wire.request("GET", f"/socket.io/?EIO=4&transport=polling{query}")
        self.handshake = json.loads(opened.body[1:])
        self.sid: str = self.handshake["sid"]
        self.target = f"/socket.io/?EIO=4&transport=polling&sid={self.sid}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.wire.close()

    def post(self, payload: str | bytes) -> int:
        """Send a payload: the status of the answer."""
        return self.wire.request("POST", self.target, "Content-Type: text/plain;charset=UTF-8", payload).status

    def poll(self) -> str:
        """One poll. Raises :class:`Over` with the answer's code where the connection is gone."""
        answer = self.wire.request("GET", self.target)
        if answer.status != 200:
            raise Over(answer.json()["code"] if answer.body else None)
        return answer.body.decode()

    def packet(self) -> str:
        """The next packet; Engine.IO's pings are answered."""
        while True:
            while not self._packets:
                self._packets.extend(self.poll().split(SEPARATOR))
            match self._packets.popleft():
                case "2":
                    self.post("3")
                case "1":
                    raise Over
                case packet:
                    return packet


class Polling(Poller):
    """A Socket.IO client over polling that is past its welcome."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(port)
        assert self.post(f'40{{"token":"{token}"}}') == 200
        assert self.packet().startswith("40")
        assert self.packet().startswith('42["connected"')

    def say(self, event: str, data: str) -> None:
        self.say_raw(f"42[{json.dumps(event)},{data}]")

    def say_raw(self, message: str) -> None:
        self.post(message)

    def hear(self) -> tuple[str, Any]:
        return event_of(self.packet())


def event_of(packet: str) -> tuple[str, Any]:
    """The event in a Socket.IO packet that carries no attachments."""
    assert packet.startswith("42["), packet[:100]
    name, data = json.loads(packet[2:])
    return name, data
