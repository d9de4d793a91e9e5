"""Real clients on long polling that the server sends away: what it said last comes first, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.threads import deferToThread

from tests.support.node import Program, running
from tests.support.patience import reactor
from yekta.socketio.recovery import Settings as Recovery
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

pytestmark = pytest.mark.needs("node")

every_client = pytest.mark.parametrize("package", ["socket.io-client", "socket.io-client-3", "socket.io-client-2"])


@attrs.frozen
class House:
    """A server that listens at ``url``, and who came to it."""

    io: Server
    url: str
    sockets: list[Socket]


@pytest_twisted.async_yield_fixture
async def house() -> AsyncIterator[House]:
    io = Server(reactor, recovery=Recovery(), allow_eio3=True)
    sockets: list[Socket] = []
    io.on_connection(sockets.append)
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(io.factory())
    yield House(io, f"http://127.0.0.1:{port.getHost().port}", sockets)
    io.close()
    await port.stopListening()


async def hear(client: Program) -> Any:
    """The next thing that the client tells."""
    return await deferToThread(client.hear)


@every_client
@pytest_twisted.ensureDeferred
async def test_a_client_that_is_sent_off_is_told_once_and_after_the_last_event(house: House, package: str) -> None:
    with running("dismissed.mjs", package, house.url) as client:
        for number in (1, 2):
            assert await hear(client) == ["connect", False]
            socket = house.sockets.pop()
            socket.emit("news", number)
            socket.disconnect(True)
            assert await hear(client) == ["news", number]
            assert await hear(client) == ["disconnect", "io server disconnect"]
            client.tell("come back")
        assert await hear(client) == ["connect", False]


@pytest_twisted.ensureDeferred
async def test_a_client_whose_connection_is_closed_has_the_last_event_once(house: House) -> None:
    with running("dismissed.mjs", "socket.io-client", house.url) as client:
        assert await hear(client) == ["connect", False]
        house.io.emit("news", 1)
        house.sockets[0].client.connection.close()
        assert await hear(client) == ["news", 1]
        assert await hear(client) == ["disconnect", "transport close"]
        house.io.emit("news", 2)
        client.tell("come back")
        assert await hear(client) == ["connect", True]
        assert await hear(client) == ["news", 2]
