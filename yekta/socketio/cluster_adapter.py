"""The rooms of one namespace across all servers of a cluster: what is done here is done there, and the reverse."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure

from yekta.socketio import cluster_words as words
from yekta.socketio.ack_relay import AckRelay
from yekta.socketio.adapter import AdapterContext, Flags, InMemoryAdapter, RemoteSocket, Restored, Target
from yekta.socketio.calls import log
from yekta.socketio.cluster_words import Unreadable, Word
from yekta.socketio.errors import AckTimeout
from yekta.socketio.gathering import Gathering
from yekta.socketio.message import Message
from yekta.socketio.moving import Moving
from yekta.socketio.survey import Survey

if TYPE_CHECKING:
    from yekta.socketio.cluster import Cluster

# Seconds for another server to tell of its sockets, as in Node.
PATIENCE = 5.0


class ClusterAdapter(InMemoryAdapter):
    """See the module. Where no other server is there, it is as one for this process alone."""

    def __init__(self, cluster: Cluster, context: AdapterContext) -> None:
        super().__init__(context)
        self._cluster = cluster
        self._moving = Moving(cluster, self)
        self._relays: dict[AckRelay, None] = {}

    # -- Adapter ---------------------------------------------------------------------------------------------

    def broadcast(self, message: Message, target: Target, flags: Flags) -> None:
        progress = self._cluster.progress
        if not flags.local and progress.others:
            word = self._word(
                words.BROADCAST,
                packet=words.packet(self.context.namespace, message.args),
                opts=words.options(target, flags),
                seq=progress.last + 1,
            )
            # What cannot be said has no number.
            self._cluster.publish(word)
            self._moving.note(progress.name, progress.next(), message, target)
        super().broadcast(message, target, flags)

    def broadcast_with_ack(self, message: Message, target: Target, flags: Flags) -> Deferred[list[Any]]:
        gathering = Gathering(self.context.clock, flags.timeout)
        gathering.ask_all(self.select(target), message)
        if not flags.local:
            options = words.options(target, flags)
            if flags.timeout is not None:
                options["flags"]["timeout"] = round(flags.timeout * 1000)
            self._survey(
                gathering, words.BROADCAST, packet=words.packet(self.context.namespace, message.args), opts=options
            )
        return gathering.finish()

    def fetch(self, target: Target, flags: Flags) -> Deferred[list[RemoteSocket]]:
        if flags.local:
            return super().fetch(target, flags)
        gathering = Gathering(self.context.clock, PATIENCE if flags.timeout is None else flags.timeout)
        gathering.expect(1)
        gathering.answered([member.describe() for member in self.select(target)])
        self._survey(gathering, words.FETCH, opts=words.options(target, flags))
        return gathering.finish().addCallbacks(_flat, _flat_failure)

    def join(self, target: Target, flags: Flags, rooms: Sequence[str]) -> None:
        self._tell(words.JOIN, target, flags, rooms=rooms)
        super().join(target, flags, rooms)

    def leave(self, target: Target, flags: Flags, rooms: Sequence[str]) -> None:
        self._tell(words.LEAVE, target, flags, rooms=rooms)
        super().leave(target, flags, rooms)

    def disconnect(self, target: Target, flags: Flags, close: bool) -> None:
        self._tell(words.DISCONNECT, target, flags, close=close)
        super().disconnect(target, flags, close)

    def server_side_emit(self, args: Sequence[Any], timeout: float | None) -> Deferred[list[Any]]:
        if timeout is None:
            self._cluster.publish(self._word(words.EMIT, packet=args))
            return succeed([])
        gathering = Gathering(self.context.clock, timeout)
        self._survey(gathering, words.EMIT, packet=args)
        return gathering.finish()

    def restore(self, pid: str, offset: object) -> Restored | Deferred[Restored | None] | None:
        if self.history is None or self.history.waits_for(pid) or not self._cluster.others:
            return super().restore(pid, offset)
        return self._moving.ask(pid, offset)

    def close(self) -> None:
        self._cluster.leave(self)
        self._moving.close()
        for relay in tuple(self._relays):
            relay.stop()

    # -- for the cluster -------------------------------------------------------------------------------------

    def heard(self, name: str, word: Word) -> None:
        """Another server says something. Raises `Unreadable`."""
        data = word.data
        match word.kind:
            case words.BROADCAST if "seq" in data:
                self._broadcast_here(name, data)
            case words.BROADCAST:
                AckRelay(self._cluster, self, name, word, self._relays).begin(words.target_of(data))
            case words.JOIN:
                super().join(words.target_of(data), words.flags_of(data), words.texts(data.get("rooms")))
            case words.LEAVE:
                super().leave(words.target_of(data), words.flags_of(data), words.texts(data.get("rooms")))
            case words.DISCONNECT:
                super().disconnect(words.target_of(data), words.flags_of(data), data.get("close") is True)
            case words.FETCH:
                sockets = words.told(member.describe() for member in self.select(words.target_of(data)))
                self._cluster.reply(name, word, words.FETCHED, sockets=sockets)
            case words.EMIT:
                self._emitted(name, word)
            case words.TAKE:
                self._moving.take(name, word)
            case _:
                raise Unreadable

    def went(self, name: str) -> None:
        """A server is gone."""
        for relay in tuple(self._relays):
            if relay.name == name:
                relay.stop()

    def skip(self) -> None:
        """Some of what another server said was missed."""
        if self.history is not None:
            self.history.skip()

    def _broadcast_here(self, name: str, data: dict[str, Any]) -> None:
        target, flags = words.target_of(data), words.flags_of(data)
        message = Message(words.args_of(data), volatile=flags.volatile, compress=flags.compress)
        self._moving.note(name, data["seq"], message, target)
        super().broadcast(message, target, flags)

    def _emitted(self, name: str, word: Word) -> None:
        args, asks = words.emitted(word.data), "requestId" in word.data
        if asks:
            words.number_of(word)
        answer = maybeDeferred(self.context.emitted, args)
        if asks:
            reply = partial(self._cluster.reply, name, word)
            answer.addCallback(lambda value: reply(words.EMITTED, packet=value))
            answer.addErrback(lambda failure: reply(words.LOST) or failure)
        answer.addErrback(lambda failure: log.failure("A listener failed", failure))

    # -- towards the others ----------------------------------------------------------------------------------

    def _word(self, kind: int, **data: Any) -> Word:
        return Word(kind, self.context.namespace, data)

    def _tell(self, kind: int, target: Target, flags: Flags, **data: Any) -> None:
        # Before anything is done here: what cannot be said is not done anywhere.
        if not flags.local:
            self._cluster.publish(self._word(kind, opts=words.options(target, flags), **data))

    def _survey(self, gathering: Gathering, kind: int, **data: Any) -> None:
        """Ask all others, and have their answers gathered."""
        others = self._cluster.others
        if others:
            survey = Survey(gathering, others, kind)
            id = self._cluster.ask(survey)
            gathering.expect(len(others), lambda: self._cluster.forget(id))
            try:
                self._cluster.publish(self._word(kind, requestId=id, **data))
            except ValueError:
                gathering.abandon()
                raise


def _flat(lists: list[list[RemoteSocket]]) -> list[RemoteSocket]:
    return [each for some in lists for each in some]


def _flat_failure(failure: Failure) -> Failure:
    error = failure.value
    return Failure(AckTimeout(_flat(error.responses))) if isinstance(error, AckTimeout) else failure
