"""For twistd: ``twistd -ny service.py``."""

from twisted.application import service, strports
from twisted.internet import reactor

from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

io = Server(reactor)


@io.on_connection
def connected(socket: Socket) -> None:
    socket.emit("hello")


class Farewell(service.Service):
    """Sends clients off in the protocol's way, so that they look for another server."""

    def stopService(self) -> None:
        super().stopService()
        io.close()


application = service.Application("hello")
strports.service("tcp:3000", io.factory()).setServiceParent(application)
Farewell().setServiceParent(application)
