"""What another server of the cluster asks clients of this one: they are asked here, and their answers sent there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from yekta.alarm import Alarm
from yekta.socketio import cluster_words as words
from yekta.socketio.acks import TooManyAcks, value_of
from yekta.socketio.cluster_words import Word
from yekta.socketio.message import Message

if TYPE_CHECKING:
    from yekta.socketio.adapter import Target
    from yekta.socketio.cluster import Cluster
    from yekta.socketio.cluster_adapter import ClusterAdapter


class AckRelay:
    """One broadcast with acknowledgements: the question ``word`` of the server ``name``.

    That server is told first how many clients will answer, then each answer by itself. The relay is one of ``among``
    while it waits for any.
    """

    def __init__(
        self, cluster: Cluster, adapter: ClusterAdapter, name: str, word: Word, among: dict[AckRelay, None]
    ) -> None:
        self.name = name
        self._cluster = cluster
        self._adapter = adapter
        self._word = word
        self._among = among
        self._stops: list[Callable[[], None]] = []
        self._missing = 0
        # Answers that come before it is known how many there will be; ``None`` once that is known.
        self._early: list[list[Any] | None] | None = []
        self._patience = Alarm(adapter.context.clock, self.stop)

    def begin(self, target: Target) -> None:
        """Ask all of ``target``. Raises `Unreadable`."""
        words.number_of(self._word)
        args, flags = words.args_of(self._word.data), words.flags_of(self._word.data)
        message = Message(args, compress=flags.compress, id=self._adapter.context.next_id())
        self._among[self] = None
        for member in self._adapter.select(target):
            try:
                stop = member.ask(message, self._answered)
            except (TooManyAcks, ValueError):
                self._answered(None)
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
        """Wait for no more answers: nobody wants them."""
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
