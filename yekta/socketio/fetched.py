"""Sockets that `fetch_sockets` has found, in whichever server they are: a part of what can be done with those here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred

from yekta.socketio.adapter import RemoteSocket
from yekta.socketio.errors import Disconnected

if TYPE_CHECKING:
    from yekta.socketio.broadcast import BroadcastOperator


@attrs.frozen
class FetchedSocket(RemoteSocket):
    """What is known of it is a copy; its methods reach it where it is now, by the room of its own."""

    _itself: BroadcastOperator = attrs.field(repr=False, eq=False)

    def timeout(self, seconds: float) -> FetchedSocket:
        """How long :meth:`emit_with_ack` waits."""
        return attrs.evolve(self, itself=self._itself.timeout(seconds))

    def emit(self, event: str, *args: Any) -> None:
        """See `BroadcastOperator.emit`."""
        self._itself.emit(event, *args)

    def emit_with_ack(self, event: str, *args: Any, timeout: float | None = None) -> Deferred[Any]:
        """Send an event; fires with the one answer. Fails with `AckTimeout`, and with `Disconnected` where nobody has
        been asked."""
        asked = self._itself if timeout is None else self._itself.timeout(timeout)
        return asked.emit_with_ack(event, *args).addCallback(_only)

    def join(self, *rooms: str) -> None:
        """See `BroadcastOperator.sockets_join`."""
        self._itself.sockets_join(*rooms)

    def leave(self, room: str) -> None:
        """See `BroadcastOperator.sockets_leave`."""
        self._itself.sockets_leave(room)

    def disconnect(self, close: bool = False) -> None:
        """See `BroadcastOperator.disconnect_sockets`."""
        self._itself.disconnect_sockets(close)


def _only(answers: list[Any]) -> Any:
    if not answers:
        raise Disconnected
    return answers[0]
