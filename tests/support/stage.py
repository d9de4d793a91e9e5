"""The guide's examples, running, and clients that talk to them by a script.

    address = stage.listen(stage.play("rooms").io)
    await stage.perform('''
        A> 0
        A< 0{"sid":"<a>"}
    ''', address)
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.defer import DeferredQueue

from tests.support.doors import quiet
from tests.support.http import PATIENCE, Answer, Http
from tests.support.socketio_clients import WebSocketClient
from yekta.socketio.server import Server

reactor: Any = _reactor

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


class Guest(WebSocketClient):
    """Reads and writes Socket.IO packets as they are: texts, or bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._packets: DeferredQueue[str | bytes] = DeferredQueue()

    def received(self, message: str | bytes) -> None:
        if isinstance(message, str) and message[0] != "4":
            super().received(message)
        else:
            self._packets.put(message if isinstance(message, bytes) else message[1:])

    async def read(self) -> str:
        """The next packet; bytes as ``b:`` and their hexadecimal digits."""
        packet = await self._packets.get().addTimeout(PATIENCE, reactor)
        return packet if isinstance(packet, str) else f"b:{packet.hex()}"

    async def write(self, packet: str) -> None:
        """Send a packet, written as `read` gives it."""
        if packet.startswith("b:"):
            await self.send_binary(bytes.fromhex(packet[2:]))
        else:
            await self.send_text(packet)


class Stage:
    """Examples that run, and their clients by name. ``known``: the ids that were read."""

    def __init__(self) -> None:
        self.http = Http()
        self.guests: dict[str, Guest] = {}
        self.known: dict[str, str] = {}
        self._servers: list[Server] = []
        self._ports: list[Any] = []

    def play(self, name: str) -> Any:
        """The module of an example, new."""
        spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def listen(self, io: Server, factory: Any = None) -> str:
        """The address where ``io`` answers from now on, by its own factory or another."""
        port = reactor.listenTCP(0, factory or io.factory(), interface="127.0.0.1")
        self._servers.append(io)
        self._ports.append(port)
        return f"127.0.0.1:{port.getHost().port}"

    async def enter(self, name: str, address: str, **options: Any) -> Guest:
        """A client that has said nothing yet."""
        guest = await Guest.connect(address, **options)
        assert isinstance(guest, Guest)
        self.guests[name] = guest
        return guest

    async def perform(self, script: str, address: str = "") -> None:
        """``A> packet``: A sends it. ``A< packet``: A reads exactly this. ``A!``: A is cut off. ``A.``: A is closed.

        ``<id>`` matches any id, and stands for the same one in what follows. Guests enter by their first line.
        """
        for line in filter(None, map(str.strip, script.splitlines())):
            name, direction, packet = line[0], line[1], line[2:].strip()
            guest = self.guests.get(name) or await self.enter(name, address)
            if direction == ">":
                await guest.write(re.sub(r"<(\w+)>", lambda match: self.known[match[1]], packet))
            elif direction == "<":
                self._compare(await guest.read(), packet)
            else:
                assert direction in "!.", line
                if direction == "!":
                    guest.websocket.transport.abortConnection()
                await self.guests.pop(name).ended()

    async def get(self, address: str, query: str, **headers: str) -> Answer:
        """GET with a query of its own."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request("GET", f"http://{address}/socket.io/?{query}", headers=named)

    async def close(self) -> None:
        """Everybody leaves, and nothing is left behind."""
        for guest in self.guests.values():
            await guest.leave()
        for io in self._servers:
            io.close()
        await self.http.close()
        for port in self._ports:
            await port.stopListening()
        await quiet()
        for io in self._servers:
            assert io.engine.connections == {}
            assert not any(io.of(name).sockets for name in io.namespaces)

    def _compare(self, read: str, expected: str) -> None:
        def pattern(match: re.Match[str]) -> str:
            known = self.known.get(match[1])
            return rf"(?P<{match[1]}>[\w-]+)" if known is None else re.escape(known)

        found = re.fullmatch(re.sub(r"<(\w+)>", pattern, re.escape(expected)), read)
        assert found, f"{read!r} is not {expected!r}"
        self.known |= found.groupdict()


@pytest_twisted.async_yield_fixture
async def stage() -> AsyncIterator[Stage]:
    """Closed at the end."""
    stage = Stage()
    yield stage
    await stage.close()
