"""The wire of a cluster (`yekta.socketio.cluster.Wire`) over a stream of Redis, 6.2 or later.

All say what they have to say into one stream, and read all of it: so everybody hears everything in one order, and who
was cut off for a moment reads on where it was. Who is there says so from time to time; who is silent, or says that it
goes, is not seen any more. Those whom we have never heard say so are others' servers and emitters: they are all taken
for one, which can say something but is asked nothing.

All that one of ours says is numbered. What Redis was told twice, for a connection was lost before it had said that it
has it, is heard once; and where Redis has forgotten something before it was read, that is known.

Where words may have been lost, for one was cut off for too long, nobody is seen for a moment: the cluster then takes
care that no client is recovered that has missed some of them.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.alarm import Alarm
from yekta.redis.connection import Connection, Lost, Refused
from yekta.redis.entries import number_of, seconds_of
from yekta.redis.others import ALIVE, HAIL, LEAVING, SILENCE, STRANGERS, Others
from yekta.redis.waiting import Waiting
from yekta.socketio.cluster import Hearer
from yekta.socketio.cluster_words import Word

# As Node's adapter calls it.
STREAM = b"socket.io"

# Seconds: between two signs of life; that what we say waits for Redis.
SIGN, PATIENCE = 5.0, 10.0

# Seconds that entries are kept: what people say stays nowhere, but Node's servers look for what a lost client missed.
KEPT = 150.0

# Bytes of what waits for Redis, whose replies say that it has it.
MAX_WAITING = 16 << 20

# Entries taken at a time, and milliseconds that Redis waits for the first.
BATCH, BLOCK = 100, b"5000"

# What is told of one that says nothing.
SILENT = "it is silent"


class StreamWire:
    """``connect(up, down)`` makes a connection, of which there are two: one only waits for what is said.

    ``name`` is ours, ``is_up``: what is said is heard, here and there.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, connect: Callable[..., Connection]) -> None:
        self.name = secrets.token_hex(8)
        self._clock = clock
        self._writer = connect(self._can_write, self._cannot_write)
        self._reader = connect(self._can_read, lambda: None)
        self._waiting = Waiting(self.name)
        # Seconds by which the clock of Redis is ahead of ours, if not more.
        self._ahead = -math.inf
        # Until Redis is there again, what was said before it is heard by nobody, and so what comes after it.
        self._lapsed = False
        self._last = b""
        # Of entries that take long to come, fewer are taken at a time.
        self._batch = BATCH
        self._others = Others(self.name, clock)
        self._sign = Alarm(clock, self._give_sign)
        self._patience = Alarm(clock, self._lapse)
        self._over = False

    @property
    def is_up(self) -> bool:
        return self._writer.is_up and self._reader.is_up and not self._waiting.is_late

    def start(self) -> None:
        """Connect."""
        self._patience.set(PATIENCE)
        self._writer.start()
        self._reader.start()

    async def leave(self) -> None:
        """Go; what was said before arrives, if Redis is there. Nothing is to be said any more."""
        self._over = True
        self._say(Word(LEAVING))
        self._sign.clear()
        self._patience.clear()
        self._others.lose_all()
        await self._reader.stop()
        await self._writer.stop()

    # -- Wire ------------------------------------------------------------------------------------------------

    def begin(self, hearer: Hearer) -> None:
        self._others.hearer = hearer
        # Before Redis is there: what is said until then waits for it, and they hear it.
        self._others.meet_strangers(0)

    def publish(self, word: Word) -> None:
        fields = self._waiting.written(word)
        if not self._lapsed:
            self._queue(fields)

    def send(self, name: str, word: Word) -> None:
        if name in self._others:
            self._say(word, name)

    # -- what we say -----------------------------------------------------------------------------------------

    def _say(self, word: Word, to: str = "") -> None:
        self._queue(self._waiting.written(word, to))

    def _queue(self, fields: tuple[bytes, ...]) -> None:
        self._waiting.add(fields)
        if self._waiting.size > MAX_WAITING:
            self._lapse("too much waits for it")
        elif self._writer.is_up:
            self._add(fields)

    def _add(self, fields: tuple[bytes, ...]) -> None:
        added = self._writer.call(b"XADD", STREAM, b"MINID", self._oldest(), b"*", *fields)
        added.addCallbacks(self._added, self._not_added, (fields,))

    def _added(self, id: bytes, fields: tuple[bytes, ...]) -> None:
        self._ahead = seconds_of(id) - self._clock.seconds()
        self._waiting.confirm(fields)

    def _oldest(self) -> bytes:
        """From where on entries are kept, by the clock of Redis: ours may be another."""
        return str(round(max(0.0, self._clock.seconds() + self._ahead - KEPT) * 1000)).encode()

    def _not_added(self, failure: Failure) -> None:
        if not failure.check(Lost):
            # It has no room, or only reads.
            self._lapse(str(failure.value))

    def _can_write(self) -> None:
        """Say all that Redis may not have; what it has is known by its number."""
        self._patience.clear()
        self._lapsed = False
        for fields in self._waiting:
            self._add(fields)

    def _cannot_write(self) -> None:
        if not self._over:
            self._patience.set(PATIENCE)

    def _give_sign(self) -> None:
        looks = self._waiting.look()
        if looks == 1 and self._writer.is_up:
            # Nobody may be there any more who could say that it has come.
            self._writer.abort(SILENT)
        elif looks > 1 and self._writer.is_up:
            # Whoever lets us in takes nothing, or this one takes too long.
            self._lapse(SILENT)
        if self._writer.is_up:
            self._say(Word(ALIVE))
        self._sign.set(SIGN)

    def _lapse(self, why: str = "") -> None:
        """What we said is lost: we go, and come again."""
        self._waiting.clear()
        self._lapsed = True
        if why:
            self._writer.abort(why)
        self._others.lose_all()
        self._say(Word(LEAVING))
        self._say(Word(HAIL))

    # -- what others say -------------------------------------------------------------------------------------

    def _can_read(self) -> None:
        ensureDeferred(self._read()).addErrback(self._unread)

    async def _read(self) -> None:
        if not self._last or not await self._goes_on():
            await self._begin()
        while True:
            if self._lapsed:
                await self._make_room()
            count = str(self._batch).encode()
            streams = await self._ask(b"XREAD", b"COUNT", count, b"BLOCK", BLOCK, b"STREAMS", STREAM, self._last)
            self._batch = min(2 * self._batch, BATCH)
            for _, entries in streams or ():
                for id, fields in entries:
                    self._last = id
                    self._others.heard(number_of(id), fields)

    def _ask(self, *command: bytes) -> Deferred[Any]:
        asked: Deferred[Any] = self._reader.call(*command)
        return asked.addTimeout(SILENCE, self._clock)

    def _make_room(self) -> Deferred[Any]:
        """A Redis that is full takes nothing, and so forgets nothing by what is added."""
        return self._ask(b"XTRIM", STREAM, b"MINID", self._oldest()).addErrback(lambda failure: failure.trap(Refused))

    def _unread(self, failure: Failure) -> None:
        why = "it cannot be read"
        if failure.check(TimeoutError):
            self._batch, why = 1, SILENT
        elif failure.check(Refused):
            why = str(failure.value)
        elif not failure.check(Lost):
            self._log.failure("Redis cannot be read", failure)
        self._reader.abort(why)

    async def _goes_on(self) -> bool:
        """Whether nothing was forgotten of what came after the last entry that was read."""
        return self._last == _FIRST or bool(await self._ask(b"XRANGE", STREAM, self._last, self._last))

    async def _begin(self) -> None:
        """Read from here on, or what has come since."""
        newest = await self._ask(b"XREVRANGE", STREAM, b"+", b"-", b"COUNT", b"1")
        if self._over:
            raise Lost
        returns = bool(self._last)
        if returns:
            self._others.lose_all()
            self._others.lose_strangers()
            self._say(Word(LEAVING))
        first = newest[0][0] if newest else _FIRST
        # What has waited for a Redis that has forgotten all may be there before we are.
        self._last = min(first, self._last or first, key=number_of)
        self._ahead = max(self._ahead, seconds_of(self._last) - self._clock.seconds())
        if returns:
            self._others.meet_strangers(number_of(self._last))
        elif self._last != _FIRST:
            self._others.hearer.reached(STRANGERS, number_of(self._last))
        self._say(Word(HAIL))
        self._sign.set(SIGN)


# Before the first entry.
_FIRST = b"0-0"
