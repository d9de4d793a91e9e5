"""Who may come in, and what they are told if not."""

from collections import Counter
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater

from yekta.engineio.errors import FORBIDDEN, Refusal
from yekta.socketio.errors import ConnectError
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket
from yekta.web.request import Request

USERS = {"s3cret": "ada", "hidden": "eve"}
MOST = 5

requests: Counter[str] = Counter()


# begin: allow request
def allow(request: Request) -> bool:
    requests[request.address] += 1
    if requests[request.address] > MOST:
        raise Refusal(FORBIDDEN, "Too many connections", status=429, retry_after=30)
    return request.query.get("version") != "0"


io = Server(reactor, allow_request=allow)
# end: allow request


# begin: engine
@io.engine.use
def harden(request: Request, headers: dict[str, str]) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    if request.headers.get("x-maintenance"):
        raise Refusal(FORBIDDEN, "Down for maintenance", status=503, retry_after=60)
    # end: engine


# begin: use
async def user_of(token: object) -> str | None:
    await deferLater(reactor, 0)
    return USERS.get(token) if isinstance(token, str) else None


async def authenticate(socket: Socket) -> None:
    user = await user_of(socket.handshake.auth.get("token"))
    if user is None:
        raise ConnectError("not authorized", {"login": "/login"})
    socket.data["user"] = user


io.use(authenticate, always=True)
# end: use


@io.on_connection
def connected(socket: Socket) -> None:
    # begin: socket use
    @socket.use
    def only_admins(event: str, args: list[Any]) -> None:
        if event.startswith("admin:") and socket.data["user"] != "ada":
            raise PermissionError(event)

    @socket.on("error")
    def refused(error: object) -> None:
        if isinstance(error, PermissionError):
            socket.emit("not allowed", str(error))

    @socket.on("admin:count")
    def count() -> int:
        return len(io.sockets.sockets)
        # end: socket use

    @socket.on("who am I")
    def who_am_i() -> str:
        user: str = socket.data["user"]
        return user
