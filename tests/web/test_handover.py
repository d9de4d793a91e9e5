"""A connection that changes hands between two sites, over real sockets."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.web import http
from twisted.web.resource import Resource

from tests.support.patience import soon, turn
from tests.support.turns import Turns
from yekta.ports import Listening
from yekta.web.arrival import Arrival, Door
from yekta.web.handover import Handover
from yekta.web.request import Request
from yekta.web.site import Limits, Site

reactor: Any = _reactor


class Says(Resource):
    """Answers with its name and the body that came; twisted.web, or who comes the short way."""

    isLeaf = True

    def __init__(self, name: bytes) -> None:
        super().__init__()
        self._name = name

    def render(self, request: http.Request) -> bytes:
        assert request.content is not None
        body: bytes = request.content.read()
        return b"%s %s %s\n" % (self._name, request.uri, body)

    def door(self, asked: Request) -> Door:
        return self

    def expect_body(self, asked: Request) -> None:
        """It is small."""

    def serve(self, arrival: Arrival) -> None:
        arrival.respond(200, {}, b"%s %s %s\n" % (self._name, arrival.target.encode(), arrival.body))


def name_of(target: bytes) -> str | None:
    return target.partition(b"to=")[2].decode() or None


def is_new(target: bytes) -> bool:
    return target == b"/new"


class House:
    """Two sites that give each other connections."""

    def __init__(self, folder: Path, *, short: bool, listening: Any) -> None:
        self._folder = folder
        doors = {name: Says(name.encode()) for name in ("a", "b")}
        self.sites = {
            name: Site(reactor, says, Limits(), doors=says if short else None) for name, says in doors.items()
        }
        self.handovers = {
            name: Handover(reactor, folder, name, name_of, is_new, site) for name, site in self.sites.items()
        }
        self.ports = {}
        for name, site in self.sites.items():
            self.handovers[name].privilegedStartService()
            site.route = self.handovers[name].route
            self.ports[name] = listening.listenTCP(0, site, interface="127.0.0.1")

    async def close(self) -> None:
        for port in self.ports.values():
            await port.stopListening()
        for name, handover in self.handovers.items():
            await handover.stopService()
            # Nobody is sent to who has gone.
            assert not (self._folder / f"{name}.open").exists()


class Caller(Protocol):
    """Hears lines that begin with a site's name."""

    def __init__(self) -> None:
        self._heard = b""
        self._waiting: tuple[bytes, Deferred[None]] | None = None
        self.lost: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self._heard += data
        self._look()

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.callback(None)

    async def ask(self, target: bytes, answer: bytes, body: bytes = b"") -> None:
        """One request, and wait for a line of its answer."""
        assert self.transport is not None
        self.transport.write(head(target, body) + body)
        await self.hear(answer)

    async def hear(self, line: bytes) -> None:
        heard: Deferred[None] = Deferred()
        self._waiting = line, heard
        self._look()
        await soon(heard)

    def _look(self) -> None:
        if self._waiting is not None and self._waiting[0] in self._heard:
            (line, heard), self._waiting = self._waiting, None
            self._heard = self._heard.partition(line)[2]
            heard.callback(None)


def head(target: bytes, body: bytes = b"") -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (target, len(body))


WAYS = {
    "twisted.web": {"short": False, "listening": reactor},
    "short path": {"short": True, "listening": reactor},
    "short path, a reactor with turns": {"short": True, "listening": Listening(Turns())},
}


@pytest_twisted.async_yield_fixture(params=WAYS.values(), ids=WAYS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path, **request.param)
    yield house
    await house.close()


async def call(house: House, name: str) -> Caller:
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", house.ports[name].getHost().port)
    caller: Caller = await connectProtocol(endpoint, Caller())
    return caller


async def hang_up(caller: Caller) -> None:
    assert caller.transport is not None
    caller.transport.loseConnection()
    await soon(caller.lost)


@pytest_twisted.ensureDeferred
async def test_a_connection_goes_where_each_of_its_requests_belongs(house: House) -> None:
    caller = await call(house, "a")
    await caller.ask(b"/1", b"a /1 \n")
    await caller.ask(b"/2?to=b", b"b /2?to=b small\n", b"small")
    await caller.ask(b"/3", b"b /3 \n")
    await caller.ask(b"/4?to=a", b"a /4?to=a \n")
    large = b"x" * 500_000
    await caller.ask(b"/5?to=b", b"b /5?to=b " + large + b"\n", large)
    assert not caller.lost.called
    await hang_up(caller)


@pytest_twisted.ensureDeferred
async def test_a_body_that_is_still_arriving_goes_along(house: House) -> None:
    caller = await call(house, "a")
    assert caller.transport is not None
    caller.transport.write(head(b"/?to=b", b"0123456789") + b"0123")
    await until_moved(house)
    caller.transport.write(b"456789")
    await caller.hear(b"b /?to=b 0123456789\n")
    await hang_up(caller)


@pytest_twisted.ensureDeferred
async def test_an_old_client_is_hung_up_on_there_as_well(house: House) -> None:
    caller = await call(house, "a")
    assert caller.transport is not None
    caller.transport.write(b"GET /?to=b HTTP/1.0\r\n\r\n")
    await caller.hear(b"b /?to=b \n")
    await soon(caller.lost)


async def until_moved(house: House) -> None:
    while house.sites["a"].channels or not house.sites["b"].channels:
        await turn()


@pytest_twisted.ensureDeferred
async def test_who_leaves_gives_newcomers_to_somebody_who_stays(house: House) -> None:
    first = await call(house, "a")
    await first.ask(b"/new", b"a /new \n")
    house.handovers["a"].leave()
    await first.ask(b"/old", b"a /old \n")
    await first.ask(b"/new", b"b /new \n")
    # What belongs to the one who leaves still reaches it.
    await first.ask(b"/?to=a", b"a /?to=a \n")
    await hang_up(first)


@pytest_twisted.ensureDeferred
async def test_where_all_leave_newcomers_are_not_sent_around(house: House) -> None:
    for handover in house.handovers.values():
        handover.leave()
    caller = await call(house, "a")
    await caller.ask(b"/new", b"a /new \n")
    await hang_up(caller)


@pytest_twisted.ensureDeferred
async def test_newcomers_are_not_given_to_who_has_crashed(house: House, tmp_path: Path) -> None:
    """One of the dead has left its socket, which refuses; of the other, only the mark is there."""
    # So many that some come before the living one, whatever the order in the folder.
    dead = [tmp_path / f"{number}.open" for number in range(20)]
    for mark in dead:
        mark.touch()
    for mark in dead[::2]:
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(mark.with_suffix("")))
    house.handovers["a"].leave()
    given, kept = await call(house, "a"), await call(house, "a")
    await given.ask(b"/new", b"b /new \n")
    house.handovers["b"].leave()
    await kept.ask(b"/new", b"a /new \n")
    assert not any(mark.exists() for mark in dead)
    await hang_up(given)
    await hang_up(kept)


@pytest_twisted.ensureDeferred
async def test_each_site_counts_what_it_has(house: House) -> None:
    caller = await call(house, "a")
    await caller.ask(b"/?to=b", b"b /?to=b \n")
    await until_moved(house)
    assert [site.census.all for site in house.sites.values()] == [0, 1]
    await hang_up(caller)


@pytest_twisted.ensureDeferred
async def test_where_nobody_takes_it_it_is_served_here(house: House, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "stale"))
    caller = await call(house, "a")
    for name in (b"nobody", b"stale"):
        await caller.ask(b"/?to=" + name, b"a /?to=" + name + b" \n")
    await hang_up(caller)


@pytest_twisted.ensureDeferred
async def test_who_is_too_busy_to_take_it_is_not_forgotten(house: House, tmp_path: Path) -> None:
    mark = tmp_path / "busy.open"
    mark.touch()
    with ExitStack() as stack:
        busy = stack.enter_context(socket.socket(socket.AF_UNIX))
        busy.bind(str(tmp_path / "busy"))
        busy.listen(0)
        with suppress(BlockingIOError):
            while True:
                waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect(str(tmp_path / "busy"))
        caller = await call(house, "a")
        await caller.ask(b"/?to=busy", b"a /?to=busy \n")
        await hang_up(caller)
    assert mark.exists()


@pytest_twisted.ensureDeferred
async def test_answers_that_are_on_their_way_are_not_left_behind(house: House) -> None:
    caller = await call(house, "a")
    assert caller.transport is not None
    caller.transport.write(head(b"/1") + head(b"/2?to=b"))
    await caller.hear(b"a /1 \n")
    await caller.hear(b" /2?to=b \n")
    await hang_up(caller)
