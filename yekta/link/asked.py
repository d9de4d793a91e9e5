"""One question to several processes, each on a connection of its own, and what they reply before patience ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from yekta.alarm import Alarm
from yekta.link import words
from yekta.link.copy import Copy
from yekta.link.words import Caller, Question, Said

# Seconds for everybody to reply: they are near, and somebody waits for an answer to begin.
PATIENCE = 1.5


class Asked(Caller):
    """One process that is asked. ``reply``, once it has come; ``copy`` takes what comes after it.

    ``progress`` is called when it has replied, or will not.
    """

    def __init__(
        self,
        name: str,
        question: Question,
        shape: type[Struct],
        copied: Callable[[Asked], Copy],
        most: int,
        among: set[Asked],
    ) -> None:
        super().__init__(name, question, most)
        self.reply: Any = None
        self.copy: Copy | None = None
        self.progress: Callable[[], None] = _nobody_waits
        self._shape = shape
        self._copied = copied
        self._among = among
        among.add(self)

    def heard(self, data: bytes) -> None:
        if self.copy is not None:
            self.copy.heard(words.read(data, Said))
        elif self.reply is not None:
            raise words.Unreadable
        else:
            reply = words.read(data, self._shape)
            if isinstance(reply, Said) and reply.found:
                copy = self._copied(self)
                copy.heard(reply)
                self.copy = copy
            self.reply = reply
            self.progress()

    def leave(self) -> None:
        """Hang up: what it has is not wanted."""
        if self.copy is not None:
            self.copy.leave()
        self.drop()

    def gone(self) -> None:
        self._among.discard(self)
        if self.copy is not None:
            self.copy.lost()
        self.progress()


@attrs.define(eq=False)
class Round:
    """One question to all. ``done``: who has replied, when all have, or one ``enough``, or patience has ended.

    ``silent`` is told who had not by then.
    """

    _asked: list[Asked]
    _enough: Callable[[Any], bool]
    _clock: IReactorTime
    _silent: Callable[[str], object]
    done: Deferred[list[Asked]] = attrs.field(init=False)
    _patience: Alarm = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.done = Deferred(lambda _: self._give_up())
        self._patience = Alarm(self._clock, self._out_of_time)
        self._patience.set(PATIENCE)
        for each in self._asked:
            each.progress = self._progress
        self._progress()

    def _progress(self) -> None:
        if all(each.reply is not None or each.over for each in self._asked) or any(
            each.reply is not None and self._enough(each.reply) for each in self._asked
        ):
            self._end()

    def _out_of_time(self) -> None:
        for each in self._asked:
            if each.reply is None and not each.over:
                self._silent(each.name)
        self._end()

    def _end(self) -> None:
        self._patience.end()
        for each in self._asked:
            each.progress = _nobody_waits
            if each.copy is None:
                each.drop()
        self.done.callback([each for each in self._asked if each.reply is not None])

    def _give_up(self) -> None:
        self._patience.end()
        for each in self._asked:
            each.progress = _nobody_waits
            each.leave()


def _nobody_waits() -> None:
    """The reply comes too late, or a second time."""
