"""Which connections may be given to another process: only those of plain TCP, with nothing of ours on its way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.support.memory import HttpClient, compose
from tests.web.conftest import BothWays
from yekta.web.handover import Give
from yekta.web.site import Limits, Site

HERE, THERE = compose("GET", "/rest"), compose("GET", "/there")


class Socket(FileDescriptor):
    """A socket that takes as many bytes as there is ``room``. ``reading``: whether anybody waits for its client."""

    TLS = False
    _shouldShutdown = True
    room = 0
    reading = True

    def writeSomeData(self, data: bytes) -> int:
        taken = min(self.room, len(data))
        self.room -= taken
        return taken

    def fileno(self) -> int:
        return 7

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "203.0.113.7", 50000)

    getHost = getPeer

    def startReading(self) -> None:
        self.reading = True

    def stopReading(self) -> None:
        self.reading = False

    def startWriting(self) -> None:
        """There may never be any room."""

    stopWriting = startWriting


@pytest.fixture
def given() -> list[tuple[int, bytes]]:
    """What was given away: a descriptor, and what was read there."""
    return []


@pytest.fixture
def site(clock: Clock, both: BothWays, given: list[tuple[int, bytes]]) -> Iterator[Site]:
    """Whose requests for ``/there`` belong elsewhere."""

    def give(descriptor: int, data: bytes) -> bool:
        given.append((descriptor, data))
        return True

    def route(target: bytes) -> Give | None:
        return give if target == b"/there" else None

    site = Site(clock, both, Limits())
    site.route = route
    yield site
    assert site.census.all == 0


def test_nothing_of_ours_may_be_on_its_way(
    site: Site, clock: Clock, both: BothWays, given: list[tuple[int, bytes]]
) -> None:
    transport = Socket(clock)
    transport.connected = 1
    channel = site.buildProtocol(transport.getPeer())
    assert channel is not None
    channel.makeConnection(transport)
    channel.dataReceived(HERE)
    channel.dataReceived(THERE)
    # Some of what is said leaves.
    transport.room = 50
    transport.doWrite()
    channel.dataReceived(THERE)
    assert ([asked.path for asked in both.asked], given) == (["/rest", "/there", "/there"], [])
    transport.room = 10_000
    transport.doWrite()
    channel.dataReceived(THERE + b"more")
    ((descriptor, data),) = given
    assert (descriptor, data[:20], data[-4:], len(both.asked)) == (7, THERE[:20], b"more", 3)
    # The client hears nothing of its end here, and what else it says is not for us.
    assert (transport.disconnecting, transport._shouldShutdown, transport.reading) == (1, False, False)
    assert site.channels == set()
    channel.dataReceived(HERE)
    assert len(both.asked) == 3
    assert not transport.dataBuffer + b"".join(transport._tempDataBuffer)
    channel.connectionLost(Failure(ConnectionDone()))


def test_what_is_encrypted_stays(site: Site, clock: Clock, both: BothWays, given: list[tuple[int, bytes]]) -> None:
    started, wrapped = Socket(clock), HttpClient(site, clock)
    started.TLS = True
    channel = site.buildProtocol(started.getPeer())
    assert channel is not None
    channel.makeConnection(started)
    channel.dataReceived(THERE)
    assert wrapped.ask("GET", "/there").status == 200
    assert (len(both.asked), given) == (2, [])
    wrapped.hang_up()
    channel.connectionLost(Failure(ConnectionDone()))
