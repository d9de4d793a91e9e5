"""Rooms, and saying something to many."""

from typing import Any

from twisted.internet import reactor

from yekta.socketio.errors import AckTimeout
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

PATIENCE = 5.0

io = Server(reactor)


def table(name: object) -> str:
    """A room of ours. Without a prefix a client could name another socket's own room, which is called by its id."""
    return f"table:{name}"


@io.on_connection
def connected(socket: Socket) -> None:
    # begin: rooms
    @socket.on("sit down")
    def sit_down(name: str) -> None:
        socket.data["name"] = socket.handshake.auth.get("name")
        socket.join(table(name))
        socket.to(table(name)).emit("guest", socket.data["name"])

    @socket.on("say")
    def say(name: str, text: str) -> None:
        io.to(table(name)).emit("said", text)

    @socket.on("point")
    def point(name: str, x: float, y: float) -> None:
        socket.to(table(name)).volatile.emit("pointed", x, y)

    @socket.on("announce")
    def announce(text: str) -> None:
        io.except_(table("quiet")).emit("announced", text)
        # end: rooms

    # begin: answers
    @socket.on("who is hungry")
    async def who_is_hungry(name: str) -> list[Any]:
        try:
            return await io.to(table(name)).timeout(PATIENCE).emit_with_ack("hungry?")
        except AckTimeout as late:
            return late.responses
        # end: answers

    # begin: many sockets
    @socket.on("who sits there")
    async def who_sits_there(name: str) -> list[str]:
        return sorted(each.data["name"] for each in await io.in_(table(name)).fetch_sockets())

    @socket.on("merge")
    def merge(one: str, other: str) -> None:
        io.in_(table(one)).sockets_join(table(other))
        io.in_(table(one)).sockets_leave(table(one))

    @socket.on("closing time")
    def closing_time() -> None:
        io.disconnect_sockets()
        # end: many sockets
