"""One chat completion on its way: the response half of the chat provider.

    requesting ──headers──▶ reading ──▶ ended
        └──────── error, time-out, cancel ────▲

Treq's own ``collect`` can neither be cancelled nor limited, so a protocol of ours reads the body. Once
``ended``, no delayed call is left, no more text is passed on, and a body that is not over is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse
from zope.interface import implementer

from yekta.ai.answer import StreamedAnswer, WholeAnswer
from yekta.ai.http import drop
from yekta.ai.patience import Patience
from yekta.ai.provider import Completion, IGeneration, Kind, ProviderError
from yekta.ai.refusal import lost, refused
from yekta.alarm import Alarm
from yekta.clocks import wall_clock


@implementer(IGeneration)
class ChatGeneration:
    """See :class:`IGeneration`. ``limit`` is the longest answer, in characters, ``max_line`` the longest line."""

    def __init__(
        self,
        clock: IReactorTime,
        patience: Patience,
        limit: int,
        text_received: Callable[[str], None],
        max_line: int,
    ) -> None:
        self.done: Deferred[Completion] = Deferred(lambda _: self._stop())
        self._clock = clock
        self._patience = patience
        self._limit = limit
        self._text_received = text_received
        self._ended = False
        self._paused = False
        self._total = Alarm(clock, self._out_of_time)
        self._silence = Alarm(clock, self._out_of_time)
        self._body: _Body | None = None
        self._answer: StreamedAnswer | WholeAnswer = StreamedAnswer(limit, max_line)

    def start(self, request: Deferred[IResponse]) -> None:
        """Take over a request that was just sent."""
        self._request = request
        self._total.set(self._patience.total)
        self._silence.set(self._patience.first_byte)
        request.addCallback(self._answered).addErrback(self._failed)

    def cancel(self) -> None:
        self.done.cancel()

    def pause(self) -> None:
        self._paused = True
        if self._body is not None:
            self._silence.clear()
            self._body.pause()

    def resume(self) -> None:
        if self._paused and self._body is not None:
            self._silence.set(self._patience.idle)
            self._body.resume()
        self._paused = False

    def _answered(self, response: IResponse) -> None:
        if response.code != 200:
            drop(response)
            raise refused(response.code, _header(response, b"Retry-After"), wall_clock(self._clock)())
        kind = (_header(response, b"Content-Type") or "").lower()
        if kind.startswith("text/html"):
            # A page for people, as of a portal or of another server behind the same name.
            drop(response)
            raise ProviderError(Kind.PROTOCOL)
        if kind.startswith("application/json"):
            self._answer = WholeAnswer(self._limit)
        self._body = _Body(self._data_received, self._body_over)
        response.deliverBody(self._body)
        if self._paused:
            self.pause()

    def _failed(self, failure: Failure) -> None:
        self._fail(lost(failure.value))

    def _data_received(self, data: bytes) -> None:
        try:
            self._pass_on(self._answer.feed(data))
        except Exception as error:
            # Even an error of the receiver's own ends this generation and comes back to it.
            self._fail(error)
        if not self._ended and not self._paused:
            self._silence.set(self._patience.linger if self._answer.ended else self._patience.idle)

    def _body_over(self, whole: bool) -> None:
        try:
            if whole:
                self._pass_on(self._answer.finish())
            elif not self._answer.complete:
                raise ProviderError(Kind.INTERRUPTED)
            self._succeed()
        except Exception as error:
            self._fail(error)

    def _pass_on(self, texts: Iterator[str]) -> None:
        for text in texts:
            if self._ended:
                return
            self._text_received(text)

    def _out_of_time(self) -> None:
        if self._answer.complete:
            self._succeed()
        else:
            self._fail(ProviderError(Kind.TIMEOUT))

    def _succeed(self) -> None:
        try:
            completion = self._answer.completion()
        except ProviderError as error:
            self._fail(error)
            return
        if not self._ended:
            self._stop()
            self.done.callback(completion)

    def _fail(self, error: Exception) -> None:
        if not self._ended:
            self._stop()
            self.done.errback(error)

    def _stop(self) -> None:
        self._ended = True
        self._total.end()
        self._silence.end()
        # Whoever keeps it for its Deferred does not keep what was asked, nor who was told.
        request = self._request
        del self._request, self._text_received
        request.cancel()
        if self._body is not None:
            self._body.close()
            self._body = None


class _Body(Protocol):
    """Hands over the body of a response; ``over`` is told whether it came whole."""

    transport: Any

    def __init__(self, received: Callable[[bytes], None], over: Callable[[bool], None]) -> None:
        self._received = received
        self._over = over
        self._open = True

    def pause(self) -> None:
        self.transport.pauseProducing()

    def resume(self) -> None:
        self.transport.resumeProducing()

    def close(self) -> None:
        """Close the connection and hand over nothing more."""
        if self._open:
            self._open = False
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        if self._open:
            self._received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._open:
            self._open = False
            # Without a length or chunks, the end of the connection is the end of the body.
            self._over(isinstance(reason.value, (ResponseDone, PotentialDataLoss)))


def _header(response: IResponse, name: bytes) -> str | None:
    values = response.headers.getRawHeaders(name)
    return values[0].decode("latin-1") if values else None
