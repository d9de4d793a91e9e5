"""Servers of one cluster over a real Redis, in the test's own process.

    from tests.support.far_servers import One, there        # the latter a fixture, in `__all__`
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet import reactor as _reactor

from tests.socketio.people import Person
from tests.support.patience import PATIENCE, turn
from tests.support.redis import Redis, redis
from yekta.redis.address import parse
from yekta.redis.lasting import Lasting
from yekta.redis.stream import StreamWire
from yekta.redis.trouble import Trouble
from yekta.socketio.cluster import Cluster
from yekta.socketio.server import Server

__all__ = ["One", "reactor", "there", "until"]

reactor: Any = _reactor


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Redis]:
    with redis(tmp_path) as server:
        yield server


@attrs.define(eq=False)
class One:
    """A server of the cluster, with a member in the room ``r``."""

    wire: StreamWire
    cluster: Cluster
    server: Server
    member: Person

    @classmethod
    def begin(cls, url: str) -> One:
        wire = StreamWire(reactor, partial(Lasting, reactor, parse(url), trouble=Trouble(reactor)))
        cluster = Cluster(wire)
        server = Server(reactor, adapter=cluster.adapter)
        member = Person("member", adapter=server.sockets.adapter)
        server.sockets.adapter.add(member, ["r"])
        wire.start()
        return cls(wire, cluster, server, member)

    async def sees(self, others: int) -> None:
        await until(lambda: len(self.cluster.others) == others)

    async def heard(self, events: int) -> list[list[Any]]:
        await until(lambda: len(self.member.told) >= events)
        return self.member.told

    async def end(self) -> None:
        self.server.sockets.adapter.remove_all(self.member)
        self.server.close()
        await self.wire.leave()


async def until(condition: Any) -> None:
    end = reactor.seconds() + PATIENCE
    while not condition():
        assert reactor.seconds() < end
        await turn()
