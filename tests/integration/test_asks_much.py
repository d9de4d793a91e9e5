"""Real clients that read as fast as they can, and ask for far more than may wait for them, get all of it."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.threads import deferToThread

from tests.support.node import told
from tests.support.patience import reactor
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

EVENTS, QUEUED = 500, 100_000


# More than the sockets' own buffers hold.
@pytest.mark.parametrize(("transport", "size"), [("polling", 4096), ("websocket", 1 << 16)])
@pytest.mark.needs("node")
@pytest_twisted.ensureDeferred
async def test_who_asks_faster_than_it_reads_gets_all_answers(transport: str, size: int) -> None:
    io = Server(reactor, allow_eio3=True, max_queued=QUEUED)

    @io.on_connection
    def connected(socket: Socket) -> None:
        socket.on("ask")(lambda size: "x" * size)

    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(io.factory())
    url = f"http://127.0.0.1:{port.getHost().port}"
    seen = await deferToThread(told, "asks_much.mjs", url, transport, EVENTS, size)
    assert seen == {client: {"answers": EVENTS, "lost": None} for client in "234"}
    io.close()
    await port.stopListening()
