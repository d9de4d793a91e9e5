"""Server-sent events on a twisted.web request (WHATWG HTML, "Server-sent events")."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.web import http
from zope.interface import implementer

from yekta import jsontext
from yekta.app.readers import Reader

# Seconds between two comments, so that no proxy takes silence for the end.
KEEP_ALIVE = 15.0

_LAST = frozenset(("ai:response:complete", "ai:response:error"))


def chunk_id(message_id: str, seq: int) -> str:
    """The id of a chunk: one line of ASCII, as a header must be, whatever the message is called."""
    return f"{quote(message_id, safe=':')}:{seq}"


def last_seq(message_id: str, last_event_id: str) -> int:
    """The chunk that a client has, as it tells in ``Last-Event-ID``; -1 where it does not."""
    name, _, seq = last_event_id.rpartition(":")
    is_one = unquote(name) == message_id and seq.isascii() and seq.isdigit() and len(seq) < 10
    return int(seq) if is_one else -1


@implementer(IPushProducer)
class EventStream(Reader):
    """One response that stays open. The contract's event names, without ``ai:response:``, are the stream's.

    A chunk's id is ``messageId:seq``, where `chunk_id` says how. ``done`` fires with the last event.
    """

    def __init__(self, request: http.Request, clock: IReactorTime) -> None:
        super().__init__()
        self._request = request
        self._flowing = True
        self.done: Deferred[None] = Deferred()
        request.setHeader("content-type", "text/event-stream; charset=utf-8")
        request.setHeader("cache-control", "no-store")
        request.setHeader("x-accel-buffering", "no")
        request.registerProducer(self, True)
        self._keep_alive = LoopingCall(request.write, b": still there\n\n")
        self._keep_alive.clock = clock
        self._keep_alive.start(KEEP_ALIVE, now=False)

    @property
    def flowing(self) -> bool:
        return self._flowing

    def send(self, event: str, data: Any) -> None:
        """Send one event, unless the client is gone."""
        if self._gone:
            return
        lines = [f"event: {event.removeprefix('ai:response:')}", f"data: {jsontext.encode(data)}"]
        if "seq" in data:
            lines.insert(0, f"id: {chunk_id(data['messageId'], data['seq'])}")
        self._request.write("\n".join([*lines, "", ""]).encode())
        if event in _LAST and not self.done.called:
            self.done.callback(None)

    def close(self) -> None:
        """Nothing more comes, or nobody listens any more."""
        self.stop_following()
        self._keep_alive.stop()
        if not self._gone:
            self._request.unregisterProducer()

    @property
    def _gone(self) -> bool:
        # Asked of the request: of its client's going, whoever waited for it before us is told first.
        return self._request.channel is None

    # -- IPushProducer: the transport says whether the client reads ----------------------------------------

    def pauseProducing(self) -> None:
        self._flowing = False

    def resumeProducing(self) -> None:
        self._flowing = True
        self.drained()

    def stopProducing(self) -> None:
        """The client is gone; `close` follows."""
