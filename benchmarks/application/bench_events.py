"""What the product itself has no use for, and all servers of the comparison have: one room, and many events."""

from __future__ import annotations

from typing import Any

from yekta.app.dispatcher import Event, Reply
from yekta.app.peer import Peer
from yekta.edge.site import ApiPort
from yekta.services import ports
from yekta.services.node import Node

ROOM = "bench"


class BenchEvents:
    """The handlers, and what they need."""

    def __init__(self, node: Node) -> None:
        self._hub = node.hub
        self._now = node.timestamps.now

    def table(self) -> dict[str, Event]:
        return {
            "bench:join": Event(self.join),
            "bench:broadcast": Event(self.broadcast),
            "bench:stream": Event(self.stream),
        }

    def join(self, peer: Peer, data: Any, reply: Reply) -> None:
        peer.join(ROOM)
        reply("bench:joined", {"timestamp": self._now()})

    def broadcast(self, peer: Peer, data: Any, reply: Reply) -> None:
        self._hub.emit(ROOM, "bench:news", {"turn": data["turn"], "timestamp": self._now()})

    def stream(self, peer: Peer, data: Any, reply: Reply) -> None:
        for seq in range(data["chunks"]):
            peer.emit("bench:chunk", {"seq": seq, "chunk": "a few words ", "timestamp": self._now()})


def root(node: Node) -> ApiPort:
    """The API's port, once the dispatcher knows the events."""
    dispatcher = node.dispatcher
    events = BenchEvents(node).table()
    dispatcher.events = {**dispatcher.events, **events}
    dispatcher.counts.update(dict.fromkeys(events, 0))
    return ports.api(node)
