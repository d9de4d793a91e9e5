"""A socket that is asked to do something differently, once: ``socket.volatile.emit(…)``, as Node's users write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred

from yekta.socketio.broadcast import Broadcasting, BroadcastOperator
from yekta.socketio.packet import allowed

if TYPE_CHECKING:
    from yekta.socketio.speaking import Speaking


@attrs.frozen
class FlaggedSocket(Broadcasting):
    """A socket whose events may be dropped, are not worth compressing, or must be answered within ``timeout`` seconds.

    Each flag makes a new one. What it says to others (``to`` and the like) has the same flags.
    """

    _socket: Speaking
    _volatile: bool = False
    _compress: bool = True
    _timeout: float | None = None

    @property
    def volatile(self) -> FlaggedSocket:
        """See :meth:`Speaking.volatile`."""
        return attrs.evolve(self, volatile=True)

    def compress(self, compress: bool) -> FlaggedSocket:
        """See :meth:`Speaking.compress`."""
        return attrs.evolve(self, compress=compress)

    def timeout(self, seconds: float) -> FlaggedSocket:
        """See :meth:`Speaking.timeout`."""
        return attrs.evolve(self, timeout=seconds)

    @property
    def broadcast(self) -> BroadcastOperator:
        """All others in the namespace."""
        return self._operator()

    def emit(self, event: str, *args: Any) -> None:
        """See :meth:`Speaking.emit`."""
        said = (allowed(event), *args)
        self._socket.deliver(self._socket.recorded(said, volatile=self._volatile, compress=self._compress))

    def emit_with_ack(self, event: str, *args: Any) -> Deferred[Any]:
        """See :meth:`Speaking.emit_with_ack`."""
        said = (allowed(event), *args)
        return self._socket.question(said, self._timeout, volatile=self._volatile, compress=self._compress)

    def _operator(self) -> BroadcastOperator:
        return self._socket.broadcast.flagged(volatile=self._volatile, compress=self._compress, timeout=self._timeout)
