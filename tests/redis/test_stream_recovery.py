"""Clients that go from one server to another over a stream of Redis that forgets."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from tests.support.several import Page
from tests.support.socketio import House
from tests.support.streams import MemoryConnection, MemoryRedis
from yekta.redis.stream import StreamWire
from yekta.socketio.cluster import Cluster
from yekta.socketio.recovery import Settings


@attrs.define(eq=False)
class Far:
    """One of several servers, each of which has a clock of its own."""

    redis: MemoryRedis
    wire: StreamWire = attrs.field(init=False)
    house: House = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.wire = StreamWire(Clock(), self.redis.connect)
        self.house = House(Cluster(self.wire).adapter, recovery=Settings())
        self.wire.start()
        self.redis.settle()

    @property
    def writer(self) -> MemoryConnection:
        writer: MemoryConnection = self.wire._writer  # type: ignore[assignment]
        return writer

    @property
    def reader(self) -> MemoryConnection:
        reader: MemoryConnection = self.wire._reader  # type: ignore[assignment]
        return reader

    def end(self) -> None:
        self.house.close()
        assert ensureDeferred(self.wire.leave()).called
        self.redis.settle()


@pytest.fixture
def three() -> Iterator[list[Far]]:
    redis = MemoryRedis(Clock())
    three = [Far(redis) for _ in range(3)]
    yield three
    for each in three:
        each.end()


def test_what_a_home_heard_as_a_stranger_s_word_is_not_told_again_elsewhere(three: list[Far]) -> None:
    """It had lost for a moment who said so, whom the other one sees, and counts."""
    home, there, teller = three
    redis = home.redis
    page = Page(home.house)
    home.reader.stuck = True
    teller.house.server.sockets_join("forgotten")
    redis.settle()
    [entry] = [each for each in redis.entries if any(b"forgotten" in field for field in each[1])]
    redis.entries.remove(entry)
    there.reader.stuck = True
    teller.house.server.emit("heard")
    assert teller.writer.step()
    home.reader.stuck = teller.reader.stuck = False
    while not page.read():
        assert home.reader.step()
    page.cut()
    page.come_to(there.house)
    there.reader.stuck = False
    redis.settle()
    page.read()
    assert page.told.count(["heard"]) <= 1
    # It cannot be told what was missed.
    assert len(page.sids) == 2


def test_what_one_says_that_began_while_redis_was_away_is_heard_once_redis_is_back(three: list[Far]) -> None:
    redis = three[0].redis
    pages = [Page(each.house) for each in three]
    redis.stop()
    late = Far(redis)
    late.house.server.emit("before")
    redis.start()
    redis.settle()
    late.house.server.emit("after")
    redis.settle()
    assert [page.read() for page in pages] == [[["before"], ["after"]]] * 3
    # And a client that is lost there is recovered elsewhere.
    lost = Page(late.house)
    lost.cut(read=1)
    three[0].house.server.emit("missed")
    redis.settle()
    lost.come_to(three[1].house)
    redis.settle()
    assert lost.read() == [["missed"]]
    assert len(lost.sids) == 1
    for page in (*pages, lost):
        page.cut()
    late.end()
