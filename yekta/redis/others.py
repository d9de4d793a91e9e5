"""Who else is there, and what they say, by the entries of a stream."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime

from yekta.redis.entries import read
from yekta.redis.numbers import Numbers
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster import Hearer
from yekta.socketio.cluster_words import Unreadable, Word
from yekta.timeouts import Timeouts

# How Node's adapter says that a server is there, and that it goes.
HAIL, ALIVE, LEAVING = 1, 2, 13

# Seconds of silence until one is not seen any more.
SILENCE = 15.0

# All those who are not ours.
STRANGERS = "*"

# Servers that are seen, and characters of a name; without one, what is said to one would be said to all.
MOST, MAX_NAME = 1000, 64

# What strangers may say.
_THEIRS = frozenset((words.BROADCAST, words.JOIN, words.LEAVE, words.DISCONNECT, words.EMIT))


class Others:
    """``name`` is ours. ``hearer`` is told who comes and goes, and what they say."""

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self.hearer: Hearer
        self._name = name
        # Those that are there, and those of them who have said how far they are: what others say is as a stranger's.
        self._names: set[str] = set()
        self._greeted: set[str] = set()
        self._numbers = Numbers()
        self._silent: Timeouts[str] = Timeouts(clock, SILENCE, self._lose)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def heard(self, place: int, fields: Sequence[bytes]) -> None:
        """The entry at a ``place`` of the stream was read."""
        try:
            entry = read(fields, self._name)
            if entry is not None:
                self._pass_on(place, *entry)
        except Unreadable:
            # Whoever it was says nothing else that could be read.
            pass
        # Others have read as far, or will: so it can be told who has heard what of strangers.
        self.hearer.reached(STRANGERS, place)

    def meet_strangers(self, place: int) -> None:
        """What strangers say after a ``place`` will be heard."""
        self.hearer.came(STRANGERS)
        self.hearer.heard(STRANGERS, Word(words.HELLO, data={"seq": place, "mute": True}))

    def lose_strangers(self) -> None:
        """Something that they said may not be heard."""
        self.hearer.went(STRANGERS)

    def lose_all(self) -> None:
        """Nobody of ours is seen any more."""
        for name in tuple(self._names):
            self._lose(name)

    def _pass_on(self, place: int, name: str, number: int, word: Word | None) -> None:
        step = self._numbers.step(name, number)
        if step < 1:
            return
        if word is not None and word.kind == LEAVING:
            self._lose(name)
            return
        if step > 1 and name in self._names:
            self._miss(name, place)
        if word is not None:
            self._take(place, name, number, word)

    def _miss(self, name: str, place: int) -> None:
        """Redis has forgotten what we have not heard: of ``name``, and maybe of strangers before a ``place``."""
        self._lose(name)
        self.lose_strangers()
        self.meet_strangers(place - 1)
        self._see(name)

    def _take(self, place: int, name: str, number: int, word: Word) -> None:
        if name in self._greeted or (word.kind in (HAIL, ALIVE, words.HELLO) and self._may_see(name)):
            self._see(name)
            if word.kind not in (HAIL, ALIVE):
                self._greeted.add(name)
                self._hear(name, word)
        elif word.kind in _THEIRS and "requestId" not in word.data:
            if number:
                # One of ours, which others may see: they count what it says as its own.
                self.hearer.doubted(name)
            self._hear(STRANGERS, Word(word.kind, word.namespace, {**word.data, "seq": place}))

    def _hear(self, name: str, word: Word) -> None:
        try:
            self.hearer.heard(name, word)
        except Unreadable:
            self._lose(name)

    def _may_see(self, name: str) -> bool:
        fits = 0 < len(name) <= MAX_NAME and name != STRANGERS
        return name in self._names or (fits and len(self._names) < MOST)

    def _see(self, name: str) -> None:
        self._silent.start(name)
        if name not in self._names:
            self._names.add(name)
            self.hearer.came(name)

    def _lose(self, name: str) -> None:
        self._silent.stop(name)
        if name in self._names:
            self._names.remove(name)
            self._greeted.discard(name)
            self.hearer.went(name)
