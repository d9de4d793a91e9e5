"""Namespaces: fixed ones, ones that clients think up, and other spellings."""

import re
from typing import Any

from twisted.internet import reactor

from yekta.socketio.errors import ConnectError
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

PROJECTS = {"/project/garden": "rose"}

# begin: aliases
io = Server(reactor, aliases={"/socket.io": "/", "/socket.io/": "/"})
# end: aliases


def greet(socket: Socket) -> None:
    socket.emit("welcome to", socket.namespace.name)


# begin: fixed
io.on_connection(greet)

chat = io.of("/chat")
chat.on_connection(greet)
# end: fixed

# begin: dynamic
days = io.of(re.compile(r"^/day-\d+$"))
days.on_connection(greet)


async def is_project(name: str, auth: dict[str, Any]) -> bool:
    return name in PROJECTS


def has_the_key(socket: Socket) -> None:
    if socket.handshake.auth.get("key") != PROJECTS[socket.namespace.name]:
        raise ConnectError("wrong key")


projects = io.of(is_project)
projects.use(has_the_key)
projects.on_connection(greet)
# end: dynamic
