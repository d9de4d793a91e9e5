"""A socket that is asked to do something differently, once: ``socket.volatile.emit(…)``, as Node's users write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred

from yekta.socketio.packet import allowed

if TYPE_CHECKING:
    from yekta.socketio.speaking import Speaking


@attrs.frozen
class TimedSocket:
    """A socket whose acknowledgements must come within ``seconds``."""

    _socket: Speaking
    _seconds: float

    def emit_with_ack(self, event: str, *args: Any) -> Deferred[Any]:
        """See :meth:`Speaking.emit_with_ack`."""
        return self._socket.emit_with_ack(event, *args, timeout=self._seconds)


@attrs.frozen
class FlaggedSocket:
    """A socket whose events may be dropped, or are not worth compressing."""

    _socket: Speaking
    _volatile: bool = False
    _compress: bool = True

    def emit(self, event: str, *args: Any) -> None:
        """See :meth:`Speaking.emit`."""
        said = (allowed(event), *args)
        self._socket.deliver(self._socket.recorded(said, volatile=self._volatile, compress=self._compress))
