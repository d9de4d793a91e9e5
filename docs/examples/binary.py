"""Bytes anywhere in an event, in both directions."""

from hashlib import sha256

from twisted.internet import reactor

from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

io = Server(reactor, max_attachments=4, max_payload=5_000_000)


@io.on_connection
def connected(socket: Socket) -> None:
    @socket.on("upload")
    def upload(name: str, content: bytes) -> dict[str, object]:
        socket.emit("preview", {"name": name, "begins": content[:2]})
        return {"size": len(content), "sha256": sha256(content).hexdigest()}
