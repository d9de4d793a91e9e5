from twisted.internet import reactor

from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

io = Server(reactor)

@io.on_connection
def connected(socket: Socket) -> None:
    @socket.on("message")
    def message(data: object) -> None:
        socket.emit("message", data)

reactor.listenTCP(3000, io.factory())
reactor.run()
