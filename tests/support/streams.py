"""A Redis with one stream, in memory: as much of it as the wire of a cluster asks for.

    redis = MemoryRedis(clock)
    wire = StreamWire(clock, redis.connect)
    redis.settle()                                 # whatever can happen now has happened
    redis.stop()                                   # it is gone, with all connections; `start` brings it back
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from yekta.redis.connection import Lost, Refused


class MemoryConnection:
    """``said``: commands that wait to be done. ``stuck``: none is. ``complaints``: why it was aborted."""

    def __init__(self, redis: MemoryRedis, up: Callable[[], object], down: Callable[[], object]) -> None:
        self.is_up = False
        self.wanted = False
        self.stuck = False
        self.complaints: list[str] = []
        self.said: list[tuple[tuple[bytes, ...], Deferred[Any]]] = []
        self._redis = redis
        self._up = up
        self._down = down

    def start(self) -> None:
        self.wanted = True

    def stop(self) -> Deferred[None]:
        self.wanted = False
        while not self.stuck and self.step():
            pass
        self.lose()
        return succeed(None)

    def call(self, *command: bytes) -> Deferred[Any]:
        if not self.is_up:
            # It may be there, and not have let us in yet.
            assert command[0] != b"XADD"
            return fail(Lost())
        done: Deferred[Any] = Deferred()
        self.said.append((command, done))
        return done

    def abort(self, why: str = "") -> None:
        self.complaints += [why] * bool(why)
        self.lose()

    def connect(self) -> None:
        self.is_up = True
        self._up()

    def lose(self) -> None:
        if self.is_up:
            self.is_up = False
            self._down()
            said, self.said = self.said, []
            for _, done in said:
                if not done.called:
                    done.errback(Lost())

    def lose_reply(self) -> None:
        """The first command is done, and the connection lost before that is heard."""
        if self.said:
            self._redis.do(self.said[0][0])
        self.lose()

    def step(self) -> bool:
        """Do the first command, if it can be done now."""
        if self.stuck or not self.said:
            return False
        command, done = self.said[0]
        reply = self._redis.do(command)
        if reply is None:
            return False
        del self.said[0]
        if done.called:
            # Given up; and its reply comes all the same.
            return True
        if isinstance(reply, Exception):
            done.errback(reply)
        else:
            done.callback(reply)
        return True


class MemoryRedis:
    """See the module. ``full``: nothing can be added; ``most``: entries that it has room for.

    ``ahead``: seconds by which its clock is.
    """

    def __init__(self, clock: Clock) -> None:
        self.entries: list[tuple[bytes, list[bytes]]] = []
        self.connections: list[MemoryConnection] = []
        self.full = False
        self.most = sys.maxsize
        self.ahead = 0.0
        self._clock = clock
        self._count = 0
        self._is_there = True

    def connect(self, up: Callable[[], object], down: Callable[[], object]) -> MemoryConnection:
        connection = MemoryConnection(self, up, down)
        self.connections.append(connection)
        return connection

    def stop(self) -> None:
        self._is_there = False
        for connection in self.connections:
            connection.lose()

    def start(self) -> None:
        self._is_there = True

    def settle(self) -> None:
        while self.turn():
            pass

    def turn(self) -> bool:
        """Let one thing happen to each connection; whether there was any."""
        return self._connect() or self._step()

    def do(self, command: tuple[bytes, ...]) -> Any:
        """The reply to a command, or ``None``: it waits."""
        match command:
            case b"XADD", _, b"MINID", oldest, b"*", *fields:
                if self.full or len(self.entries) >= self.most:
                    return Refused("OOM")
                self._count += 1
                id = b"%d-%d" % (round((self._clock.seconds() + self.ahead) * 1000), self._count)
                self.entries.append((id, fields))
                self._trim(oldest)
                return id
            case b"XTRIM", _, b"MINID", oldest:
                return self._trim(oldest)
            case b"XREVRANGE", _, b"+", b"-", b"COUNT", b"1":
                return [list(each) for each in self.entries[-1:]]
            case b"XRANGE", _, first, last:
                return [list(each) for each in self.entries if _place(first) <= _place(each[0]) <= _place(last)]
            case b"XREAD", b"COUNT", count, b"BLOCK", _, b"STREAMS", key, last:
                later = [list(each) for each in self.entries if _place(each[0]) > _place(last)]
                return [[key, later[: int(count)]]] if later else None
        raise AssertionError(command)

    def _trim(self, oldest: bytes) -> int:
        before = len(self.entries)
        self.entries = [each for each in self.entries if _place(each[0]) >= (int(oldest), 0)]
        return before - len(self.entries)

    def _step(self) -> bool:
        done = [connection.step() for connection in self.connections]
        return any(done)

    def _connect(self) -> bool:
        waiting = [each for each in self.connections if self._is_there and each.wanted and not each.is_up]
        for connection in waiting:
            connection.connect()
        return bool(waiting)


def _place(id: bytes) -> tuple[int, ...]:
    return tuple(map(int, id.split(b"-")))
