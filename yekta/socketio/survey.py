"""One question to all other servers of a cluster, and the clients here that another server's question is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from yekta.alarm import Alarm
from yekta.socketio import cluster_words as words
from yekta.socketio.acks import TooManyAcks, value_of
from yekta.socketio.cluster_words import Unreadable, Word
from yekta.socketio.gathering import Gathering
from yekta.socketio.message import Message

if TYPE_CHECKING:
    from yekta.socketio.adapter import Target
    from yekta.socketio.cluster import Cluster
    from yekta.socketio.cluster_adapter import ClusterAdapter


# What each kind of question may be answered with; besides that it is for nobody there, or that an answer is lost.
_ANSWERS = {
    words.FETCH: (words.FETCHED,),
    words.EMIT: (words.EMITTED,),
    words.BROADCAST: (words.CLIENT_COUNT, words.ACK),
}


class Survey:
    """Hands to ``gathering`` what the servers ``names`` reply: one answer each, or as many as it has clients.

    ``kind``: of the question.
    """

    def __init__(self, gathering: Gathering, names: Iterable[str], kind: int) -> None:
        self._gathering = gathering
        self._answers = (*_ANSWERS[kind], words.NOTHING, words.LOST)
        self._owed = Counter(names)
        # Those whose clients answer.
        self._counted: set[str] = set()

    def replied(self, name: str, word: Word) -> None:
        if not self._owed[name]:
            return
        gathering, data = self._gathering, word.data
        if word.kind not in self._answers or (word.kind == words.CLIENT_COUNT and name in self._counted):
            raise Unreadable
        if word.kind == words.CLIENT_COUNT:
            clients = max(0, words.field(data, "clientCount", int))
            self._owed[name] += clients
            self._counted.add(name)
            gathering.expect(clients)
        answer = data.get("packet")
        if word.kind == words.FETCHED:
            answer = [words.socket_of(each) for each in words.field(data, "sockets", list)]
        # What could not be read would still be owed by a server that goes.
        self._owed[name] -= 1
        if word.kind in (words.CLIENT_COUNT, words.NOTHING):
            gathering.skipped()
        elif word.kind == words.LOST:
            gathering.lost()
        else:
            gathering.answered(answer)

    def went(self, name: str) -> None:
        owed = self._owed.pop(name, 0)
        if owed:
            (self._gathering.lost if name in self._counted else self._gathering.skipped)(owed)


class Surveyed:
    """The clients here that ``word`` of the server ``name`` asks: their answers go there, one by one."""

    def __init__(
        self, cluster: Cluster, adapter: ClusterAdapter, name: str, word: Word, among: dict[Surveyed, None]
    ) -> None:
        self.name = name
        self._cluster = cluster
        self._adapter = adapter
        self._word = word
        self._among = among
        self._stops: list[Callable[[], None]] = []
        self._missing = 0
        # What is answered before it is known how many will.
        self._early: list[list[Any] | None] | None = []
        self._patience = Alarm(adapter.home.clock, self.stop)

    def begin(self, target: Target) -> None:
        """Ask all of ``target``. Raises `Unreadable`."""
        words.number_of(self._word)
        args, flags = words.args_of(self._word.data), words.flags_of(self._word.data)
        message = Message(args, compress=flags.compress, id=self._adapter.home.next_id())
        self._among[self] = None
        for member in self._adapter.select(target):
            try:
                stop = member.ask(message, self._answered)
            except (TooManyAcks, ValueError):
                self._early.append(None)  # type: ignore[union-attr]
                stop = _nothing
            if stop is not None:
                self._missing += 1
                self._stops.append(stop)
        self._reply(words.CLIENT_COUNT, clientCount=self._missing)
        early, self._early = self._early or [], None
        for answer in early:
            self._answered(answer)
        self._wait()

    def stop(self) -> None:
        """Nobody waits for them any more."""
        self._among.pop(self, None)
        self._patience.clear()
        for stop in self._stops:
            stop()
        self._stops.clear()

    def _wait(self) -> None:
        if not self._missing:
            self.stop()
            return
        milliseconds = words.as_map(words.as_map(self._word.data["opts"])["flags"]).get("timeout")
        if isinstance(milliseconds, int):
            self._patience.set(max(0, milliseconds) / 1000)

    def _answered(self, args: list[Any] | None) -> None:
        if self._early is not None:
            self._early.append(args)
            return
        if args is None:
            self._reply(words.LOST)
        else:
            self._reply(words.ACK, packet=value_of(args))
        self._missing -= 1
        if not self._missing:
            self.stop()

    def _reply(self, kind: int, **data: Any) -> None:
        self._cluster.reply(self.name, self._word, kind, **data)


def _nothing() -> None:
    """There is nothing to stop."""
