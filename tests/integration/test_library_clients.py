"""Real clients of every generation: socket.io-client 2, 3 and 4, with msgpack, in Node and in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.threads import deferToThread

from tests.conformance.app import connected
from tests.support.conformance import serving
from tests.support.node import NODE_MODULES, running, told
from tests.support.patience import reactor, soon
from yekta.socketio.recovery import Settings as Recovery
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

# Heartbeats come often; a busy machine may be late.
HEARTBEAT = ("--ping-interval", "0.3", "--ping-timeout", "5")

TRANSPORTS = ["websocket", "polling", "polling,websocket"]
BYTES = "hex 010203fa"


@pytest.fixture(scope="module")
def visits() -> Iterator[Any]:
    """What every client saw."""
    with serving("--eio3", *HEARTBEAT) as app:
        yield told("library_clients.mjs", app.url, patience=90)


def auth_of(client: str, namespace: str) -> dict[str, str]:
    """What the server is told. Socket.IO 2 sends a query, and only to namespaces other than ``/``."""
    if client == "2":
        return {"token": "q"} if namespace == "/custom" else {}
    return {"token": "سلام"}


@pytest.mark.needs("node")
@pytest.mark.parametrize("namespace", ["/", "/custom"])
@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("client", ["2", "3", "4", "4 base64", "4 msgpack"])
def test_a_javascript_client(visits: Any, client: str, transports: str, namespace: str) -> None:
    assert visits[f"{client}, {transports}, {namespace}"] == {
        "auth": auth_of(client, namespace),
        "back": [1, "سلام 😀", {"a": [None, True, 1.5]}, BYTES],
        "acknowledged": ["x", BYTES],
        "large": True,
        "connected": True,
        "transport": "polling" if transports == "polling" else "websocket",
    }


async def listen(server: Server) -> Any:
    return await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(server.factory())


async def stop(server: Server, port: Any) -> None:
    server.close()
    await port.stopListening()


@pytest.mark.needs("node")
@pytest.mark.parametrize("how", ["close", "cut"])
@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("parser", ["default", "msgpack"])
@pytest_twisted.ensureDeferred
async def test_a_javascript_client_recovers(parser: str, transports: str, how: str) -> None:
    io = Server(reactor, recovery=Recovery())
    lost: Deferred[None] = Deferred()
    sockets: list[Socket] = []

    @io.on_connection
    def welcome(socket: Socket) -> None:
        socket.on("disconnect")(lambda reason: lost.called or lost.callback(reason))
        if not socket.recovered:
            socket.join("kitchen")
        sockets.append(socket)

    port = await listen(io)
    with running("recovery.mjs", f"http://127.0.0.1:{port.getHost().port}", transports.split(","), parser) as client:
        first = await deferToThread(client.hear)
        assert first == {"recovered": False, "id": sockets[0].id}
        io.emit("seen", b"\x01")
        assert await deferToThread(client.hear) == {"event": ["seen", "hex 01"]}
        client.tell(how)
        await soon(lost)
        io.to("kitchen").emit("missed", "سلام 😀", b"\xfa")
        io.to("hall").emit("not for you")
        io.volatile.emit("not replayed")
        io.emit("missed too")
        client.tell("come back")
        assert await deferToThread(client.hear) == {"recovered": True, "id": sockets[0].id}
        assert await deferToThread(client.hear) == {"event": ["missed", "سلام 😀", "hex fa"]}
        assert await deferToThread(client.hear) == {"event": ["missed too"]}
        answer = await soon(sockets[1].emit_with_ack("question", b"\x02"))
        assert answer == ["question", b"\x02"]
        assert await deferToThread(client.hear) == {"event": ["question", "hex 02"]}
    assert (sockets[1].id, sockets[1].recovered, len(sockets)) == (sockets[0].id, True, 2)
    await stop(io, port)


@pytest.mark.needs("node", "chromium")
@pytest_twisted.ensureDeferred
async def test_clients_in_a_browser_load_from_the_server_and_work() -> None:
    bundle = NODE_MODULES / "socket.io-client" / "dist"
    io = Server(reactor, allow_eio3=True, recovery=Recovery(), client_bundle=bundle)
    io.on_connection(connected)
    io.of("/custom").on_connection(connected)
    port = await listen(io)
    seen = await deferToThread(
        told, "library_browser.mjs", f"http://127.0.0.1:{port.getHost().port}", str(NODE_MODULES), patience=90
    )
    clients = ("2 jsonp", "2", "3", "4", "4 msgpack")
    names = {f"{client}, {transports}" for client in clients for transports in TRANSPORTS if "jsonp" not in client}
    assert seen.keys() == names | {"2 jsonp, polling"}
    for name, visit in seen.items():
        auth = {} if name.startswith("2") else {"token": "سلام"}
        payload = "no bytes" if "jsonp" in name else BYTES
        assert visit["back"][:4] == [1, "سلام 😀\n\u2028\\n", {"a": [None, True, 1.5]}, payload], name
        assert visit["acknowledged"] == ["x", payload], name
        assert (visit["auth"], visit["large"]) == (auth, True), name
        assert visit["transport"] == ("polling" if name.endswith(" polling") else "websocket"), name
    await stop(io, port)
