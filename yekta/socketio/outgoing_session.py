"""A session of this server that another one of the cluster asks for; see `yekta.socketio.moving`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yekta.alarm import Alarm
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster_words import Word
from yekta.socketio.progress import Heard

if TYPE_CHECKING:
    from yekta.socketio.cluster import Cluster
    from yekta.socketio.cluster_adapter import ClusterAdapter

# Seconds until as much must have been heard here as where the session is wanted; less than they wait there.
PATIENCE = 1.0


class OutgoingSession:
    """The session that the server ``name`` asks for with ``word``. It is one of ``among`` until that is answered."""

    def __init__(
        self, cluster: Cluster, adapter: ClusterAdapter, name: str, word: Word, among: dict[OutgoingSession, None]
    ) -> None:
        self._cluster = cluster
        self._adapter = adapter
        self._name = name
        self._word = word
        self._among = among
        self._heard = Heard(words.numbers(word.data.get("heard")))
        self._patience = Alarm(adapter.context.clock, self.give_up)

    def begin(self) -> None:
        """Give it away once as much has been heard here as there."""
        self._among[self] = None
        self._patience.set(PATIENCE)
        self._cluster.progress.wait(self._look)

    def give_up(self) -> None:
        """Say that there is no such session, and keep it."""
        self._end(words.NOTHING, {})

    def _look(self) -> bool:
        if self in self._among:
            reached = self._cluster.progress.reached(self._heard)
            if reached:
                self._give()
            elif reached is not None:
                self.give_up()
        return self not in self._among

    def _give(self) -> None:
        assert self._adapter.history is not None
        released = self._adapter.history.release(self._word.data["pid"], self._word.data.get("offset"))
        if released is None:
            self.give_up()
            return
        session, events = released
        try:
            # Without the last argument: the offset that it had here.
            missed = [[event.args()[:-1], event.compress] for event in events]
        except ValueError:
            # It was written for clients of this server; what cannot be read back cannot be told to another.
            self.give_up()
            return
        heard = self._cluster.progress.now()
        facts = {"pid": session.pid, "sid": session.id, "rooms": sorted(session.rooms), "data": session.data}
        self._end(words.GIVEN, {**facts, "missed": missed, "alive": heard.alive, "gone": heard.gone})

    def _end(self, kind: int, data: dict[str, Any]) -> None:
        del self._among[self]
        self._patience.end()
        self._cluster.reply(self._name, self._word, kind, **data)
