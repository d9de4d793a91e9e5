"""The body of an HTTP answer, as text, within a bound."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse

from yekta.command.failure import CommandError

# Bytes; no answer of the services is nearly as long.
LIMIT = 8 * 1024 * 1024


def read(response: IResponse) -> Deferred[str]:
    """The whole body. Fails with :class:`CommandError` where it is too long or no text, and as Twisted's does.

    Where it is cancelled, the connection is closed.
    """
    reading = _Reading()
    response.deliverBody(reading)
    return reading.text


class _Reading(Protocol):
    def __init__(self) -> None:
        self.text: Deferred[str] = Deferred(lambda _: self._drop())
        self._came = bytearray()

    def dataReceived(self, data: bytes) -> None:
        self._came += data
        if len(self._came) > LIMIT and not self.text.called:
            self.text.errback(CommandError("The server says too much."))
            self._drop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.text.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self._end()
        else:
            self.text.errback(reason)

    def _end(self) -> None:
        try:
            self.text.callback(self._came.decode())
        except UnicodeDecodeError:
            self.text.errback(CommandError("What the server says is no text."))

    def _drop(self) -> None:
        transport: Any = self.transport
        transport.loseConnection()
