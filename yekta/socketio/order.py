"""One client's events, one after the other: those that come while an ``async`` listener works wait for it.

Or all at once, where the server was told so. Both are bounded, and end with the client. What waited is not handled
faster than the client reads what it is answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from yekta.socketio.calls import cancel
from yekta.socketio.errors import ProtocolError

Step = Callable[[], "Deferred[Any] | None"]


def _never() -> bool:
    return False


class Order:
    """``most``: steps that wait, or run at once; ``most_bytes``: of the messages behind those. ``choked()``: whether
    those that wait had better wait for the client to read, until `go_on`.
    """

    __slots__ = (
        *("_bytes", "_choked", "_most", "_most_bytes", "_ordered", "_owned", "_running", "_running_bytes"),
        "_waiting",
    )
    _log = Logger()

    def __init__(self, *, ordered: bool, most: int, most_bytes: int, choked: Callable[[], bool] = _never) -> None:
        self._ordered = ordered
        self._choked = choked
        self._most = most
        self._most_bytes = most_bytes
        self._running: dict[Deferred[Any], int] = {}
        self._running_bytes = 0
        # With the namespace whose socket each was begun for; ``None``: it is cancelled, and may clean up.
        self._owned: dict[Deferred[Any], str | None] = {}
        self._waiting: deque[tuple[Step, int, str]] = deque()
        self._bytes = 0

    @property
    def busy(self) -> bool:
        """Whether the next step has to wait."""
        return self._ordered and bool(self._running or self._waiting)

    @property
    def waiting(self) -> bool:
        """Whether any step waits."""
        return bool(self._waiting)

    def awaits(self, namespace: str) -> bool:
        """Whether any step for ``namespace`` waits."""
        return any(each[2] == namespace for each in self._waiting)

    def postpone(self, step: Step, size: int, namespace: str) -> None:
        """Take ``step``, for ``namespace``, when it is its turn.

        Raises :class:`ProtocolError` where too much waits already.
        """
        if len(self._waiting) >= self._most or (self._waiting and self._bytes + size > self._most_bytes):
            raise ProtocolError("too many events wait for their turn")
        self._waiting.append((step, size, namespace))
        self._bytes += size

    def drop(self, namespace: str) -> None:
        """Take none of the steps for ``namespace`` that wait."""
        self._waiting = deque(each for each in self._waiting if each[2] != namespace)
        self._bytes = sum(size for _, size, _ in self._waiting)

    def hold(self, pending: Deferred[Any], size: int) -> None:
        """``pending``, which never fails, is a step that is not done yet."""
        running = self._running
        if len(running) >= self._most or (running and self._running_bytes + size > self._most_bytes):
            cancel(pending)
            raise ProtocolError("too many events are handled at once")
        # Listeners may give one Deferred to several events that wait for the same.
        running[pending] = running.get(pending, 0) + size
        self._running_bytes += size
        pending.addBoth(self._done, pending)

    def own(self, pending: Deferred[Any], namespace: str) -> None:
        """Cancel ``pending``, which never fails, when the client leaves ``namespace``; no step waits for it."""
        if len(self._owned) >= self._most:
            cancel(pending)
            raise ProtocolError("too many listeners are told of it at once")
        self._owned[pending] = namespace
        pending.addBoth(lambda _: self._owned.pop(pending, None))

    def disown(self, namespace: str) -> None:
        """The client has left ``namespace``."""
        for pending in [each for each, its in self._owned.items() if its == namespace]:
            # The end of one may have been the next one's.
            if pending in self._owned:
                self._owned[pending] = None
                cancel(pending)

    def stop(self) -> None:
        """The client has gone."""
        self._waiting.clear()
        for pending in (*self._running, *[each for each, its in self._owned.items() if its is not None]):
            cancel(pending)

    def _done(self, result: object, done: Deferred[Any]) -> None:
        self._running_bytes -= self._running.pop(done, 0)
        self.go_on()

    def go_on(self) -> None:
        """Take the steps whose turn it is."""
        while self._waiting and not (self._ordered and self._running) and not self._choked():
            step, size, _ = self._waiting.popleft()
            self._bytes -= size
            try:
                pending = step()
            except BaseException:
                # Even what ends a program would end here, in a Deferred; and what waits would wait for ever.
                self._log.failure("What waited for its turn failed")
                continue
            if pending is not None:
                self.hold(pending, size)
