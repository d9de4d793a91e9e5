"""A client that lost its connection to one server of a cluster, and comes back to another: its session moves there.

    here   TAKE   the pid and offset that the client shows, and what was heard here until now
    home   waits until it has heard as much, and lets go of the session:
           GIVEN  it, what its client missed, and what was heard there until now
    here   waits until it has heard as much; what was heard here since and not there is missed as well

Where the client seems to be at home, it may have been back for long, as the word was held up; or it is not, and nobody
there has noticed yet. Who asks knows that, and is asked:

    home   NOTHING  ``here``: but is it with you still?
    here   TAKE     the same again, if so; what was its client's connection at home is ended

Both say what they have heard by numbers (`yekta.socketio.progress`). So no event is lost on the way, and none comes
twice, in whatever order servers hear of it. Where that cannot be told, for somebody came or went meanwhile, the client
begins anew, as it would have without all this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, succeed

from yekta.socketio import cluster_words as words
from yekta.socketio.adapter import Restored, Target
from yekta.socketio.cluster_words import Word
from yekta.socketio.doubts import Doubts
from yekta.socketio.incoming_session import IncomingSession
from yekta.socketio.message import Message
from yekta.socketio.outgoing_session import OutgoingSession

if TYPE_CHECKING:
    from yekta.socketio.cluster import Cluster
    from yekta.socketio.cluster_adapter import ClusterAdapter

# Sessions that may be on their way here at a time, and as many away from here, and as many of which that is in doubt;
# clients beyond that begin anew.
MOST = 256


class Moving:
    """The sessions of one namespace that are on their way to this server, or away from it."""

    def __init__(self, cluster: Cluster, adapter: ClusterAdapter) -> None:
        self._cluster = cluster
        self._adapter = adapter
        self.incoming: dict[IncomingSession, None] = {}
        self.outgoing: dict[OutgoingSession, None] = {}
        self._doubts = Doubts(adapter.context.clock, MOST)

    def ask(self, pid: str, offset: object) -> Deferred[Restored | None]:
        """Ask all others for the session of ``pid``."""
        if len(self.incoming) >= MOST:
            return succeed(None)
        session = IncomingSession(self._cluster, self._adapter, pid, offset, self.incoming)
        session.ask()
        return session.done

    def note(self, name: str, number: int, message: Message, target: Target) -> None:
        """A broadcast of ``name`` is heard here."""
        for session in tuple(self.incoming):
            session.note(name, number, message, target)

    def take(self, name: str, word: Word) -> None:
        """Another server asks for a session. Raises `Unreadable`."""
        pid, id = words.field(word.data, "pid", str), words.number_of(word)
        end = self._doubts.settle(name, id)
        if end is not None:
            # Not another one, by which its client may have come back since.
            end()
        else:
            end = self._adapter.context.alive(pid)
            if end is not None and self._doubts.begin(name, id, end):
                self._cluster.reply(name, word, words.NOTHING, here=True)
                return
        history = self._adapter.history
        if history is None or not history.waits_for(pid) or len(self.outgoing) >= MOST:
            self._cluster.reply(name, word, words.NOTHING)
        else:
            OutgoingSession(self._cluster, self._adapter, name, word, self.outgoing).begin()

    def close(self) -> None:
        """The namespace is no more: no session moves any further."""
        for incoming in tuple(self.incoming):
            incoming.give_up()
        for outgoing in tuple(self.outgoing):
            outgoing.give_up()
        self._doubts.close()
