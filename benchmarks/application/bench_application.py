"""``twistd yektayar-bench``: yektayar-api as it is, with three more events that all servers of the comparison have.

Authentication, limits, the database and metrics are on, and the options are those of yektayar-api.
"""

from __future__ import annotations

from typing import Any

from twisted.application.service import IService
from twisted.web.resource import IResource

from yekta.app.dispatcher import Event, Reply
from yekta.app.peer import Peer
from yekta.services import api, config
from yekta.services.node import Node
from yekta.services.service import Gateway

ROOM = "bench"


class Options(config.Options):
    """``twistd yektayar-bench --help``."""

    service = "yektayar-bench"


def makeService(options: Options) -> IService:
    """Called by twistd."""
    from twisted.internet import reactor

    settings: config.Settings = options["settings"]
    gateway: IService = Gateway(reactor, Options.service, settings, settings.port, root)
    return gateway


class BenchEvents:
    """What the product itself has no use for: everybody in one room, and many events at once."""

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


def root(node: Node) -> IResource:
    """The API's port, once the dispatcher knows the events."""
    dispatcher = node.native.dispatcher
    events = BenchEvents(node).table()
    dispatcher.events = {**dispatcher.events, **events}
    dispatcher.counts.update(dict.fromkeys(events, 0))
    return api.root(node)
