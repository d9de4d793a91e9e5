"""Socket.IO beside other resources of twisted.web."""

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.static import Data

from yekta.socketio.server import Server
from yekta.web.site import Limits, Site

io = Server(reactor)


@io.on_connection
def connected(socket: object) -> None:
    io.emit("visitors", len(io.sockets.sockets))


resource = io.resource()

root = Resource()
root.putChild(b"", Data(b"<!doctype html><p>Hello</p>", "text/html"))
root.putChild(b"socket.io", resource)

site = Site(reactor, root, Limits(max_body=1_000_000), resource.refused, resource.body_began)
