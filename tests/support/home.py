"""A process that has answers, and those of others that come to it with a question."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.support.memory import MemoryTransport
from yekta.app.answers import Answers
from yekta.link.home import Home
from yekta.link.mesh import Mesh

QUESTION = {"version": 1, "ask": "find", "tag": "x", "session": "sara", "name": "m"}


def framed(value: Any) -> bytes:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return len(data).to_bytes(4, "big") + data


def replies(transport: MemoryTransport) -> list[Any]:
    data, values = b"".join(transport.writes), []
    while data:
        length = int.from_bytes(data[:4], "big")
        values.append(json.loads(data[4 : 4 + length]))
        data = data[4 + length :]
    return values


class Visited:
    """A home, and whoever comes to it."""

    def __init__(self, most: int = 1000) -> None:
        self.clock = Clock()
        self.answers = Answers(self.clock)
        self.home = Home(self.answers, self.clock, Mesh(self.clock, "home", list, lambda *_: Deferred()), most)

    def visitor(self) -> MemoryTransport | None:
        transport, visitor = MemoryTransport(self.clock), self.home.buildProtocol(None)
        if visitor is None:
            return None
        transport.protocol = visitor
        visitor.makeConnection(transport)
        return transport
