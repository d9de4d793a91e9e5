"""An answer of another process, as it comes over a connection."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from yekta.ai.provider import Completion, IGeneration, Kind, ProviderError
from yekta.alarm import Alarm
from yekta.app.elsewhere import Received
from yekta.app.errors import ClientError
from yekta.link.words import End, Said, Trouble, Unreadable


class Connection(Protocol):
    """What a `Copy` needs of the connection to its answer's home."""

    transport: Any

    def drop(self) -> None: ...


class HomeFailed(Exception):
    """The answer failed for a reason that its home has logged, and tells nobody."""


@implementer(IGeneration)
class Copy:
    """See `yekta.app.elsewhere.Found`. What comes before it is known who wants it is added to ``text`` and ``ends``.

    ``patience``: seconds of silence after which its home counts as stuck.
    """

    def __init__(self, connection: Connection, clock: IReactorTime, patience: float) -> None:
        self.text = ""
        self.ends: list[int] = []
        self.done: Deferred[Completion] = Deferred(lambda _: self._stop())
        self._connection = connection
        self._patience = patience
        self._silence = Alarm(clock, self._out_of_time)
        self._length = 0
        self._paused = False
        self._received: Received | None = None

    def copy_to(self, received: Received) -> IGeneration:
        if not self.done.called:
            self._received = received
            self._wait()
        return self

    def leave(self) -> None:
        self.done.addErrback(lambda _: None)
        self.done.cancel()

    def heard(self, said: Said) -> None:
        """More of it. Raises `Unreadable` where it does not go on from what came before."""
        length = self._length + len(said.text)
        numbers = [self._length, *said.ends]
        if self.done.called or numbers[-1] != length or any(a >= b for a, b in zip(numbers, said.ends, strict=False)):
            raise Unreadable
        self._length = length
        if said.ends:
            self._take(said)
        if said.end is not None:
            self._finish(said.end)
        else:
            self._wait()

    def lost(self) -> None:
        """The connection is over, and maybe the process that had it."""
        if not self.done.called:
            self._end()
            self.done.errback(ProviderError(Kind.INTERRUPTED))

    # -- IGeneration -----------------------------------------------------------------------------------------

    def cancel(self) -> None:
        self.done.cancel()

    def pause(self) -> None:
        self._paused = True
        self._silence.clear()
        self._connection.transport.pauseProducing()

    def resume(self) -> None:
        self._paused = False
        self._wait()
        self._connection.transport.resumeProducing()

    def _take(self, said: Said) -> None:
        if self._received is None:
            self.text += said.text
            self.ends += said.ends
        else:
            self._received(said.text, said.ends)

    def _wait(self) -> None:
        # Whoever does not read cannot tell silence; and what has ended is received by nobody.
        if self._received is not None and not self._paused:
            self._silence.set(self._patience)

    def _out_of_time(self) -> None:
        self._connection.drop()
        self.lost()

    def _stop(self) -> None:
        self._end()
        self._connection.drop()

    def _end(self) -> None:
        self._silence.clear()
        # It waits for the collector, as its Deferred knows it: not so the answer that it was for.
        self._received = None

    def _finish(self, end: End) -> None:
        self._end()
        if end.trouble is None:
            self.done.callback(Completion(end.reason))
        else:
            self.done.errback(_error(end.trouble))


def _error(trouble: Trouble) -> Exception:
    if trouble.kind in Kind.__members__:
        return ProviderError(Kind[trouble.kind], status=trouble.status, retry_after=trouble.retry_after)
    if trouble.error:
        status = trouble.status or 500
        return ClientError(trouble.error, trouble.message, status=status, retry_after=trouble.retry_after)
    return HomeFailed()
