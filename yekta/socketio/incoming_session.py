"""A session that is wanted here, and that another server of the cluster may have; see `yekta.socketio.moving`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred

from yekta.alarm import Alarm
from yekta.socketio import cluster_words as words
from yekta.socketio.adapter import Restored, Target
from yekta.socketio.cluster_words import Unreadable, Word
from yekta.socketio.message import Message
from yekta.socketio.progress import Heard
from yekta.socketio.recovery import Session, concerns

if TYPE_CHECKING:
    from yekta.socketio.cluster import Cluster
    from yekta.socketio.cluster_adapter import ClusterAdapter

# Seconds that a client waits for its session before it begins anew.
PATIENCE = 1.5

# Broadcasts that are kept while one session is on its way; where there are more, its client begins anew.
MOST_HEARD = 1000


@attrs.frozen
class _Noted:
    """A broadcast that was heard here meanwhile: the ``number`` it has among those of the server ``name``."""

    name: str
    number: int
    message: Message
    target: Target


class IncomingSession:
    """The session of ``pid``, asked of all other servers.

    ``done`` fires with it, or with ``None`` where its client has to begin anew. It is one of ``among`` until then.
    """

    def __init__(
        self, cluster: Cluster, adapter: ClusterAdapter, pid: str, offset: object, among: dict[IncomingSession, None]
    ) -> None:
        self.done: Deferred[Restored | None] = Deferred()
        self._cluster = cluster
        self._adapter = adapter
        self._among = among
        self._pid = pid
        self._offset = offset if isinstance(offset, str) else None
        self._breaks = cluster.progress.breaks
        self._noted: list[_Noted] = []
        self._asked = set(cluster.others)
        self._given: _Given | None = None
        self._facts: dict[str, Any] = {}
        self._patience = Alarm(adapter.context.clock, self.give_up)
        self._id = cluster.ask(self)
        among[self] = None

    def ask(self) -> None:
        """Ask all other servers for it."""
        self._patience.set(PATIENCE)
        heard = self._cluster.progress.now().alive
        self._facts = {"pid": self._pid, "offset": self._offset, "heard": heard}
        data = {"requestId": self._id, **self._facts}
        self._cluster.publish(Word(words.TAKE, self._adapter.context.namespace, data))

    def note(self, name: str, number: int, message: Message, target: Target) -> None:
        """A broadcast is heard while the session is on its way: its client may have missed it."""
        if len(self._noted) < MOST_HEARD:
            self._noted.append(_Noted(name, number, message, target))
        else:
            self.give_up()

    def give_up(self) -> None:
        """Let the client begin anew."""
        self._end(None)

    # -- Question --------------------------------------------------------------------------------------------

    def replied(self, name: str, word: Word) -> None:
        if word.data.get("here") is True and not self.done.called:
            # Its client seems to be there too, and is not: it waits here.
            self._cluster.reply(name, word, words.TAKE, **self._facts)
        elif word.kind != words.GIVEN:
            self._asked.discard(name)
            if not self._asked:
                self.give_up()
        elif self._given is None:
            given = _Given.read(word.data)
            if given.session.pid != self._pid or name not in self._asked:
                # Not the session that was asked for, or from one that was not asked.
                raise Unreadable
            self._given = given
            self._cluster.progress.wait(self._look)

    def went(self, name: str) -> None:
        # What it broadcast cannot be compared any more with what was heard at the session's home.
        self.give_up()

    def _look(self) -> bool:
        given, progress = self._given, self._cluster.progress
        if self not in self._among or given is None:
            return True
        now = progress.now()
        if progress.breaks != self._breaks or any(now.of(name) is None for name in given.heard.alive):
            self.give_up()
            return True
        if not progress.reached(given.heard_by(now)):
            return False
        self._end(self._adopt(given))
        return True

    def _adopt(self, given: _Given) -> Restored | None:
        history = self._adapter.history
        assert history is not None
        since = [
            Message(each.message.args, compress=each.message.compress)
            for each in self._noted
            if not each.message.volatile
            and each.number > (given.heard.of(each.name) or 0)
            and concerns(each.target, given.session.rooms)
        ]
        session = history.adopt(given.session, (*given.missed, *since), self._offset)
        return self._adapter.resume(session, self._offset)

    def _end(self, restored: Restored | None) -> None:
        if self not in self._among:
            return
        del self._among[self]
        self._patience.end()
        self._cluster.forget(self._id)
        if not self.done.called:
            self.done.callback(restored)
        elif restored is not None:
            # Cancelled: the client is gone again, and may come back for its session here.
            self._adapter.keep(restored.session)


@attrs.frozen
class _Given:
    """A session, what its client missed at its home, and what had been heard there by then."""

    session: Session
    missed: list[Message]
    heard: Heard

    @classmethod
    def read(cls, data: dict[str, Any]) -> _Given:
        """What its home says. Raises `Unreadable`."""
        rooms = frozenset(words.texts(data.get("rooms")))
        session = Session(
            pid=words.field(data, "pid", str),
            id=words.field(data, "sid", str),
            rooms=rooms,
            data=words.as_map(data.get("data")),
            since=0,
            sent=0,
            until=0,
            left=0.0,
        )
        missed = [_message(each) for each in words.field(data, "missed", list)]
        return cls(session, missed, Heard(words.numbers(data.get("alive")), words.numbers(data.get("gone"))))

    def heard_by(self, now: Heard) -> Heard:
        """What the home had heard, of the servers that are still there by ``now``: of others nothing more can come."""
        both = {**self.heard.gone, **self.heard.alive}
        return Heard({name: number for name, number in both.items() if name in now.alive})


def _message(written: Any) -> Message:
    if not isinstance(written, list) or len(written) != 2:
        raise Unreadable
    args, compress = written
    return Message(words.event(args), compress=compress is True)
