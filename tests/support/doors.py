"""Every way into one gateway, and its clients by name: what a test says through one door it says through all.

    @pytest.mark.parametrize("door", DOORS)
    @pytest_twisted.ensureDeferred
    async def test_…(house: House, door: str) -> None:
        client = await house.enter(door)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor

from tests.support.clients import Client, NativeClient
from tests.support.gateway import Gateway
from tests.support.http import Http
from tests.support.patience import turn
from tests.support.socketio_clients import PollingClient, SocketIOClient, UpgradedClient, WebSocketClient

reactor: Any = _reactor

NATIVE = ("native on the API port", "native on the WebSocket port")
SOCKETIO = ("Socket.IO over WebSocket", "Socket.IO over polling", "Socket.IO upgraded")
DOORS = (*NATIVE, *SOCKETIO)

every_door = pytest.mark.parametrize("door", DOORS)
every_native_door = pytest.mark.parametrize("door", NATIVE)
every_socketio_door = pytest.mark.parametrize("door", SOCKETIO)


class House:
    """A gateway, its clients, and an HTTP client."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.http = Http()
        self.clients: list[Client] = []

    async def enter(self, door: str, token: str | None = None) -> Client:
        """A client that has been welcomed; without a ``token`` in a new session."""
        if token is None:
            token, _ = await self.gateway.acquire()
        client = await self.knock(door, token)
        await client.greet()
        return client

    async def knock(self, door: str, token: str) -> Client:
        """A client whose welcome, or refusal, is still to be heard."""
        client: Client
        if door in NATIVE:
            client = await self.native(door, token)
        else:
            client = await self.engine(door)
            assert isinstance(client, SocketIOClient)
            await client.join({"token": token})
        return client

    async def native(self, door: str, token: str | None, **options: Any) -> NativeClient:
        """A native client, ``path`` and ``headers`` as wanted."""
        address = self.gateway.api_address if door == NATIVE[0] else self.gateway.ws_address
        return self._keep(await NativeClient.connect(address, token, **options))

    async def engine(self, door: str, *, namespace: str = "/", **options: Any) -> SocketIOClient:
        """A Socket.IO client that has not joined ``namespace``; ``query`` and ``headers`` as wanted."""
        kind: Any = dict(zip(SOCKETIO, (WebSocketClient, PollingClient, UpgradedClient), strict=True))[door]
        # One transport on each port; the matrix of real clients is elsewhere.
        address = self.gateway.ws_address if door == SOCKETIO[1] else self.gateway.api_address
        client: SocketIOClient = self._keep(await kind.connect(address, **options))
        client.prefix = "" if namespace == "/" else namespace + ","
        return client

    async def get(self, path: str, **options: Any) -> Any:
        """``GET`` on the API port."""
        return await self.http.request("GET", f"http://{self.gateway.api_address}{path}", **options)

    async def close(self) -> None:
        """Everybody leaves, the gateway stops, and nothing is left behind."""
        for client in self.clients:
            await client.leave()
        await self.http.close()
        await self.gateway.stop()
        assert self.gateway.hub.peers == []
        assert len(self.gateway.socketio.sockets.adapter.rooms) == 0
        assert self.gateway.socketio.engine.connections == {}

    def _keep(self, client: Any) -> Any:
        self.clients.append(client)
        return client


async def build(**settings: str) -> House:
    """A house that is open. Whoever builds it closes it."""
    gateway = Gateway(**settings)
    await gateway.start()
    return House(gateway)


async def quiet() -> None:
    """Nothing is to happen any more, as soon as the last sockets know that they are closed."""
    for _ in range(100):
        if not reactor.getDelayedCalls():
            return
        await turn()
    assert reactor.getDelayedCalls() == []


@pytest_twisted.async_yield_fixture
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """With the settings of ``@pytest.mark.parametrize("house", [{…}], indirect=True)``, if any."""
    house = await build(**getattr(request, "param", {}))
    yield house
    await house.close()
    await quiet()
