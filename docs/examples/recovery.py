"""A client that loses its connection, and misses nothing."""

from twisted.internet import reactor

from yekta.socketio.recovery import Settings
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

io = Server(reactor, recovery=Settings(max_disconnection=60.0))


@io.on_connection
def connected(socket: Socket) -> None:
    if not socket.recovered:
        socket.join("readers")
        socket.data["articles"] = 0

    @socket.on("publish")
    def publish(text: str) -> int:
        socket.data["articles"] += 1
        io.to("readers").emit("article", text)
        articles: int = socket.data["articles"]
        return articles
