"""Several servers as one: rooms, broadcasts and lost clients of all of them, over any wire that carries words in order.

    cluster = Cluster(wire)
    io = Server(reactor, adapter=cluster.adapter)

What is said to a room here reaches those who are in it there (`yekta.socketio.cluster_adapter`), and a client that lost
its connection is recovered wherever it comes back to (`yekta.socketio.moving`).
"""

from __future__ import annotations

from itertools import count
from typing import Any, Protocol

from twisted.logger import Logger

from yekta.socketio import cluster_words as words
from yekta.socketio.adapter import AdapterContext
from yekta.socketio.cluster_adapter import ClusterAdapter
from yekta.socketio.cluster_words import Unreadable, Word
from yekta.socketio.progress import Progress

_REPLIES = frozenset(
    (words.FETCHED, words.EMITTED, words.CLIENT_COUNT, words.ACK, words.NOTHING, words.GIVEN, words.LOST)
)


class Hearer(Protocol):
    """Who is told what comes over a wire."""

    def came(self, name: str) -> None:
        """The server ``name`` can be spoken to from here on."""

    def went(self, name: str) -> None:
        """The server ``name`` cannot be spoken to any more, and nothing more is heard of it."""

    def heard(self, name: str, word: Word) -> None:
        """A server that is there says something. Raises `Unreadable`: it is not of our kind, and to be left."""

    def reached(self, name: str, number: int) -> None:
        """All broadcasts of ``name`` up to ``number`` have been heard: for one whose numbers leave some out."""

    def doubted(self, name: str) -> None:
        """What a server says that is not there is heard as another's."""


class Wire(Protocol):
    """To other servers. What one says arrives at each in the order in which it was said, or it is gone first.

    ``name`` is how the others know us: no two have the same, and none has one again.
    """

    name: str

    def begin(self, hearer: Hearer) -> None:
        """Tell ``hearer`` from here on."""

    def publish(self, word: Word) -> None:
        """Say something to all that are there. Raises :class:`ValueError` for what cannot be said, and says nothing."""

    def send(self, name: str, word: Word) -> None:
        """Say something to the server ``name`` alone, in the same way; nothing where it is gone."""


class Question(Protocol):
    """What other servers were asked, and who waits for it."""

    def replied(self, name: str, word: Word) -> None:
        """The server ``name`` replies. Raises `Unreadable`."""

    def went(self, name: str) -> None:
        """The server ``name`` is gone, and will not reply any more."""


class Cluster:
    """One server's part. Give `adapter` to a `Server`."""

    _log = Logger()

    def __init__(self, wire: Wire) -> None:
        self.progress = Progress(wire.name)
        self._wire = wire
        self._adapters: dict[str, ClusterAdapter] = {}
        self._questions: dict[int, Question] = {}
        self._ids = count(1)
        # Those who are heard, but cannot be asked.
        self._mute: set[str] = set()
        wire.begin(self)

    @property
    def others(self) -> tuple[str, ...]:
        """The names of all other servers that are there, and can be asked."""
        return tuple(name for name in self.progress.others if name not in self._mute)

    def adapter(self, context: AdapterContext) -> ClusterAdapter:
        """The rooms of a namespace, here and there."""
        self._adapters[context.namespace] = adapter = ClusterAdapter(self, context)
        return adapter

    # -- for the adapters ------------------------------------------------------------------------------------

    def leave(self, adapter: ClusterAdapter) -> None:
        """The namespace of ``adapter`` is no more."""
        if self._adapters.get(adapter.context.namespace) is adapter:
            del self._adapters[adapter.context.namespace]

    def publish(self, word: Word) -> None:
        """Say something to all others. Raises :class:`ValueError` for what cannot be said."""
        if self.progress.others:
            self._wire.publish(word)

    def reply(self, name: str, word: Word, kind: int, **data: Any) -> None:
        """Answer what ``name`` asked with ``word``; what cannot be said is lost. Raises `Unreadable`."""
        id = words.number_of(word)
        try:
            self._wire.send(name, Word(kind, word.namespace, {"requestId": id, **data}))
        except ValueError:
            self.reply(name, word, words.LOST)

    def ask(self, question: Question) -> int:
        """Hand replies to ``question``, which are told by the number that this gives, until `forget`."""
        id = next(self._ids)
        self._questions[id] = question
        return id

    def forget(self, id: int) -> None:
        """Nobody waits for these replies any more."""
        self._questions.pop(id, None)

    # -- Hearer ----------------------------------------------------------------------------------------------

    def came(self, name: str) -> None:
        self._wire.send(name, Word(words.HELLO, data={"seq": self.progress.last, "ask": True}))

    def went(self, name: str) -> None:
        self._mute.discard(name)
        if not self.progress.knows(name):
            # It was never one of us: another's server, or of a release that says no HELLO that could be read.
            return
        for question in tuple(self._questions.values()):
            question.went(name)
        for adapter in tuple(self._adapters.values()):
            adapter.went(name)
        self.progress.went(name)
        self.progress.tell()

    def heard(self, name: str, word: Word) -> None:
        if word.kind == words.HELLO:
            self._hello(name, word)
        elif not self.progress.knows(name):
            raise Unreadable
        elif word.kind in _REPLIES:
            question = self._questions.get(words.number_of(word))
            if question is not None:
                question.replied(name, word)
        elif "seq" not in word.data or self.progress.heard(name, words.field(word.data, "seq", int)):
            self._pass_on(name, word)
            self.progress.tell()

    def reached(self, name: str, number: int) -> None:
        if self.progress.heard(name, number):
            self.progress.tell()

    def doubted(self, name: str) -> None:
        self.progress.doubt(name)

    def _pass_on(self, name: str, word: Word) -> None:
        adapter = self._adapters.get(word.namespace)
        try:
            if adapter is not None:
                adapter.heard(name, word)
            elif "requestId" in word.data:
                self.reply(name, word, words.NOTHING)
        except Unreadable:
            raise
        except Exception:
            self._log.failure("What another server said had no effect")

    def _hello(self, name: str, word: Word) -> None:
        if word.data.get("ask"):
            # It did not see us until now: should we have seen it, nothing that it was asked will be answered.
            self.went(name)
        if word.data.get("mute"):
            self._mute.add(name)
        if word.data.get("ask"):
            self._wire.send(name, Word(words.HELLO, data={"seq": self.progress.last}))
        if self.progress.came(name, words.field(word.data, "seq", int)):
            self._log.warn("broadcasts of another server were missed")
            for adapter in self._adapters.values():
                adapter.skip()
        self.progress.tell()
