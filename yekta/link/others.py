"""What we ask other processes: all of them at once, each on a connection of its own, and not for long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from yekta.app.answer import State
from yekta.app.elsewhere import Found
from yekta.app.owner import Owner
from yekta.link import words
from yekta.link.asked import Asked, Round
from yekta.link.copy import Copy
from yekta.link.queue import Queue
from yekta.link.words import Ask, Cancelled, Dropped, Question, Said, Streams, Words
from yekta.timeouts import Timeouts

# Seconds for which one that did not reply in time is not asked again: it may be stuck, and nobody shall wait each time.
COOL_DOWN = 5.0

# Connections at a time: those that ask, and one for each answer that is shown here. Beyond that nobody is asked.
MOST = 1000

# Questions at a time; others wait for their turn. Thousands at once would all be answered late, and who answers late is
# asked by nobody for a while. So many of one session wait, beyond which it is as if nobody were there: those of answers
# that were cancelled would pile up.
MOST_ASKING, MOST_WAITING = 32, 64

Connect = Callable[[str, Words], Deferred[Any]]


class Others:
    """See `yekta.app.elsewhere.Elsewhere`. ``tag`` is ours, ``names`` tells theirs; ``connect(name, protocol)``.

    ``max_characters``: of the longest answer. ``silence``: seconds after which an answer's home counts as stuck.
    ``connections``: all that there are.
    """

    def __init__(
        self,
        clock: IReactorTime,
        tag: str,
        names: Callable[[], Sequence[str]],
        connect: Connect,
        *,
        max_characters: int,
        silence: float,
        most: int = MOST,
    ) -> None:
        self.connections: set[Asked] = set()
        self._clock = clock
        self._tag = tag
        self._all_names = names
        self._connect = connect
        self._silence = silence
        self._cooling_down: Timeouts[str] = Timeouts(clock, COOL_DOWN, lambda _: None)
        self._max_reply = words.MAX_REPLY + words.BYTES_OF_CHARACTER * max_characters
        self._most = most
        self._asking = Queue(MOST_ASKING, MOST_WAITING)
        self._stopped = False

    @property
    def alone(self) -> bool:
        return self._stopped or not self._names()

    async def find(
        self, owner: Owner, message_id: str, *, unfailed: bool = False, claim: bool = False
    ) -> Found | None:
        asked = await self._ask("find", Said, owner, message_id, unfailed, claim, enough=_is_settled)
        found = sorted((each for each in asked if each.copy is not None), key=_rank)
        for each in found[1:]:
            each.leave()
        return found[0].copy if found else None

    async def cancel(self, owner: Owner, message_id: str) -> State | None:
        asked = await self._ask("cancel", Cancelled, owner, message_id)
        states: list[State] = [each.reply.state for each in asked if each.reply.found]
        # One that failed may have been asked for again.
        return min(states, key=lambda state: state is State.FAILED, default=None)

    async def streams(self, owner: Owner) -> list[dict[str, Any]]:
        asked = await self._ask("streams", Streams, owner)
        return [msgspec.to_builtins(each) for one in asked for each in one.reply.streams]

    async def drop(self, owner: Owner, conversation_id: str) -> bool:
        asked = await self._ask("drop", Dropped, owner, conversation_id)
        return any(each.reply.found for each in asked)

    def let_go(self) -> None:
        """Ask nobody any more. Whoever follows another's answer here is told that it breaks off, and may come again."""
        self._stopped = True
        self._cooling_down.clear()
        for connection in tuple(self.connections):
            connection.drop()
            connection.gone()

    def _names(self) -> list[str]:
        return [name for name in self._all_names() if name not in self._cooling_down]

    async def _ask(
        self,
        ask: Ask,
        shape: type[Struct],
        owner: Owner,
        name: str = "",
        unfailed: bool = False,
        claim: bool = False,
        enough: Callable[[Any], bool] = lambda _: False,
    ) -> list[Asked]:
        question = Question(words.VERSION, ask, self._tag, owner.session, owner.user, name, unfailed, claim)
        if not await self._asking.enter(owner.session):
            return []
        try:
            return await self._ask_all(question, shape, enough)
        finally:
            self._asking.leave()

    def _ask_all(
        self, question: Question, shape: type[Struct], enough: Callable[[Any], bool]
    ) -> Deferred[list[Asked]]:
        names = [] if self._stopped else self._names()[: max(0, self._most - len(self.connections))]
        copied = partial(Copy, clock=self._clock, patience=self._silence)
        asked = [Asked(each, question, shape, copied, self._max_reply, self.connections) for each in names]
        inquiry = Round(asked, enough, self._clock, self._cooling_down.start)
        for each in asked:
            self._connect(each.name, each).addErrback(each.unreachable)
        return inquiry.done


def _is_settled(said: Said) -> bool:
    return said.found and said.sure and not said.failed


def _rank(asked: Asked) -> tuple[bool, bool, str]:
    """One that is sure before others; of these the lowest tag; one that failed where there is nothing better."""
    return asked.reply.failed, not asked.reply.sure, asked.name
