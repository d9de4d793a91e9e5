"""Events and acknowledgements, both ways."""

from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.task import deferLater

from yekta.socketio.errors import AckTimeout, Disconnected
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

PATIENCE = 5.0
NOTES = {"today": "water the plants"}

io = Server(reactor)


@io.on_connection
def connected(socket: Socket) -> None:
    # begin: a value answers
    @socket.on("add")
    def add(a: float, b: float) -> float:
        return a + b

    @socket.on("divide")
    def divide(a: int, b: int) -> tuple[int, int]:
        return a // b, a % b
        # end: a value answers

    # begin: the ack parameter
    @socket.on("note")
    def note(day: str, ack: Callable[..., None]) -> None:
        ack(NOTES.get(day))
        # end: the ack parameter

    # begin: async
    @socket.on("think")
    async def think(seconds: float) -> str:
        await deferLater(reactor, seconds)
        return "done"
        # end: async

    # begin: asking
    @socket.on("quiz")
    async def quiz() -> None:
        try:
            answer = await socket.timeout(PATIENCE).emit_with_ack("question", "6 × 7?")
        except (AckTimeout, Disconnected):
            answer = None
        socket.emit("result", answer == 42)
        # end: asking

    # begin: catch-all
    @socket.on_any
    def count(event: str, *args: object) -> None:
        socket.data["heard"] = socket.data.get("heard", 0) + 1

    @socket.once("first")
    def first() -> int:
        heard: int = socket.data["heard"]
        return heard
        # end: catch-all
