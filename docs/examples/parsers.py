"""A parser of our own: every packet one JSON text, no attachments."""

import json

from twisted.internet import reactor

from yekta.socketio.errors import ProtocolError
from yekta.socketio.packet import CONNECT, CONNECT_ERROR, Packet, check
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket


class JsonParser:
    """Makes and takes ``{"type": 2, "nsp": "/", "data": ["event", 1], "id": 7}``."""

    def encode(self, packet: Packet) -> list[str | bytes]:
        try:
            return [json.dumps({"type": packet.type, "nsp": packet.namespace, "data": packet.data, "id": packet.id})]
        except TypeError:
            raise ValueError("not JSON") from None

    def decoder(self, max_attachments: int, max_bytes: int) -> "JsonDecoder":
        return JsonDecoder()


class JsonDecoder:
    """Nothing is ever unfinished."""

    waiting = False

    def decode(self, message: str | bytes) -> Packet:
        try:
            fields = json.loads(message)
            packet = Packet(fields["type"], fields["nsp"], fields.get("data"), fields.get("id"))
        except (ValueError, TypeError, LookupError, RecursionError):
            raise ProtocolError("not a packet") from None
        if type(packet.type) is not int or not CONNECT <= packet.type <= CONNECT_ERROR:
            raise ProtocolError("unknown packet type")
        if not isinstance(packet.namespace, str) or not isinstance(packet.id, int | None):
            raise ProtocolError("not a packet")
        check(packet)
        return packet


io = Server(reactor, parser=JsonParser())


@io.on_connection
def connected(socket: Socket) -> None:
    @socket.on("message")
    def message(data: object) -> None:
        socket.emit("message", data)
