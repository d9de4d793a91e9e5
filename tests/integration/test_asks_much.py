"""Real clients that read as fast as they can, and ask for far more than may wait for them, get all of it."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.support.node import told
from tests.support.patience import reactor
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

EVENTS, QUEUED = 500, 100_000

# The bytes of an answer: all of them are more than the sockets' own buffers hold.
BY_EACH = pytest.mark.parametrize(("transport", "size"), [("polling", 4096), ("websocket", 1 << 16)])


async def asked_much(io: Server, transport: str, size: int) -> None:
    """Clients of every generation ask ``io``, and get all answers."""
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(io.factory())
    url = f"http://127.0.0.1:{port.getHost().port}"
    seen = await deferToThread(told, "asks_much.mjs", url, transport, EVENTS, size)
    assert seen == {client: {"answers": EVENTS, "lost": None} for client in "234"}
    io.close()
    await port.stopListening()


@BY_EACH
@pytest.mark.needs("node")
@pytest_twisted.ensureDeferred
async def test_who_asks_faster_than_it_reads_gets_all_answers(transport: str, size: int) -> None:
    io = Server(reactor, allow_eio3=True, max_queued=QUEUED)

    @io.on_connection
    def connected(socket: Socket) -> None:
        socket.on("ask")(lambda size: "x" * size)

    await asked_much(io, transport, size)


@BY_EACH
@pytest.mark.needs("node")
@pytest_twisted.ensureDeferred
async def test_nor_is_it_lost_where_all_that_it_asks_waits_for_the_first(transport: str, size: int) -> None:
    io = Server(reactor, allow_eio3=True, max_queued=QUEUED)

    @io.on_connection
    def connected(socket: Socket) -> None:
        looked_up: list[str] = []

        @socket.on("ask")
        async def ask(size: int) -> str:
            if not looked_up:
                looked_up.append(await deferLater(reactor, 0.05, lambda: "x"))
            return looked_up[0] * size

    await asked_much(io, transport, size)
