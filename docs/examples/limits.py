"""Why clients are lost, the slow ones among them."""

from collections import Counter

from twisted.internet import reactor
from twisted.internet.task import deferLater

from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

ends: Counter[str] = Counter()

io = Server(reactor, max_queued=50_000)


@io.on_connection
def connected(socket: Socket) -> None:
    @socket.on("flood")
    def flood(events: int) -> None:
        for number in range(events):
            socket.emit("wave", number, "~" * 1000)

    @socket.on("drizzle")
    def drizzle(events: int) -> None:
        for number in range(events):
            socket.volatile.emit("drop", number, "~" * 1000)

    @socket.on("stream")
    async def stream(events: int) -> None:
        for number in range(events):
            while not socket.client.connection.flowing:
                await deferLater(reactor, 0.01)
            socket.emit("wave", number, "~" * 1000)

    @socket.on("disconnect")
    def lost(reason: str, description: str) -> None:
        ends[f"{reason}: {description}"] += 1
