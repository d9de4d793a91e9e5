"""A server for old clients and for browsers: protocol 3, JSONP, Origins, a cookie, compression."""

from twisted.internet import reactor

from yekta.engineio.settings import Cookie
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

io = Server(
    reactor,
    allow_eio3=True,
    cors_origins=["https://app.example", "http://localhost:5173"],
    cookie=Cookie(name="io"),
    http_compression=1024,
    deflate_threshold=1024,
)


@io.on_connection
def connected(socket: Socket) -> None:
    @socket.on("poem")
    def poem(lines: int) -> None:
        socket.emit("poem", "so much depends upon\n" * lines)
        socket.compress(False).emit("key", "not worth it " * lines)
