"""From an event's name to its handler: one road for every door.

A handler that is done when it returns costs no Deferred. One that is ``async`` becomes a single Deferred, owned by its
peer and cancelled with it.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import attrs
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta import jsontext
from yekta.app import schemas
from yekta.app.budget import NO_LIMIT, Rate
from yekta.app.errors import ClientError
from yekta.app.peer import Peer

# Sends one event back to who asked: the peer's `emit`, and the request's id or acknowledgement with it.
Reply = Callable[[str, Any], None]


class Acknowledging(abc.ABC):
    """A reply to somebody who asked for an acknowledgement; the first event it sends is that."""

    @abc.abstractmethod
    def acknowledge(self, data: Any) -> None:
        """Acknowledge without an event."""


def acknowledge(reply: Reply, data: Any) -> None:
    """Answer the acknowledgement, where one was asked for."""
    if isinstance(reply, Acknowledging):
        reply.acknowledge(data)


def unacknowledged(reply: Reply, emit: Reply) -> Reply:
    """``reply``, or ``emit`` where its first event would be the acknowledgement."""
    return emit if isinstance(reply, Acknowledging) else reply


Handler = Callable[[Peer, Any, Reply], "Coroutine[Any, Any, None] | None"]

UNKNOWN = "unknown"

RATE_LIMITED = "rate_limited"

# As much of an unknown event's name as is sent back.
_NAME = 100

# Events of one peer that may wait for something at a time, such as another process.
MOST_WAITING = 32


@attrs.frozen
class Event:
    """``handler(peer, data, reply)``. ``data`` has the ``shape``; where there is none it is what came, or ``None``.

    ``about(data)``: what an error has besides, so that a client which asks for several things knows which it is about.
    """

    handler: Handler
    shape: type | None = None
    about: Callable[[Any], dict[str, Any]] | None = None

    def named(self, data: Any) -> dict[str, Any]:
        """What ``data`` is about, where it has the shape."""
        is_read = self.shape is not None and isinstance(data, self.shape)
        return self.about(data) if self.about is not None and is_read else {}


class Dispatcher:
    """``events`` by name. ``counts``: how often each came; what nobody handles is ``unknown``.

    ``rate``: how many events one peer may send.
    """

    _log = Logger()

    def __init__(self, events: Mapping[str, Event], clock: IReactorTime, rate: Rate = NO_LIMIT) -> None:
        self.events = events
        self._clock = clock
        self.limit(rate)
        self.counts = dict.fromkeys((*events, UNKNOWN), 0)

    def limit(self, rate: Rate) -> None:
        """Let one peer send as many events from now on."""
        self._rate = rate if rate.rate else None

    def dispatch(self, peer: Peer, name: str, data: Any, reply: Reply) -> None:
        """Answer one event. Never raises."""
        if self._rate is not None and not self._within_budget(peer, name, self._rate, reply):
            return
        event = self.events.get(name)
        if event is None:
            self.counts[UNKNOWN] += 1
            reply("error", {"error": f"Unknown event type: {name[:_NAME]}"})
            return
        self.counts[name] += 1
        try:
            if event.shape is not None:
                data = schemas.read(data, event.shape)
            work = event.handler(peer, data, reply)
        except Exception:
            self._failed(Failure(), name, reply, event.named(data))
            return
        if work is None:
            return
        # Not the data, which may be a megabyte of anything, read into thirty times as much.
        about = event.named(data)
        if peer.working < MOST_WAITING:
            peer.own(self._finish(work, name, reply, about))
        else:
            work.close()
            reply("error", {"error": "Too many events at once", "event": name, **about})

    def _within_budget(self, peer: Peer, name: str, rate: Rate, reply: Reply) -> bool:
        wait = peer.budget.take(rate, self._clock)
        if wait:
            error = {"error": "Too many events", "code": RATE_LIMITED, "event": name[:_NAME]}
            reply("error", {**error, "retryAfter": math.ceil(wait * 1000) / 1000})
        return not wait

    async def _finish(
        self, work: Coroutine[Any, Any, None], name: str, reply: Reply, about: dict[str, Any]
    ) -> None:
        try:
            await work
        except CancelledError:
            raise
        except Exception:
            self._failed(Failure(), name, reply, about)

    def _failed(self, failure: Failure, name: str, reply: Reply, about: dict[str, Any]) -> None:
        if isinstance(failure.value, ClientError):
            text = failure.value.message
        elif isinstance(failure.value, jsontext.NotJson):
            text = "Data cannot be sent back"
        else:
            self._log.failure("The handler of {name} failed", failure, name=name)
            text = "Internal error"
        reply("error", {"error": text, "event": name, **about})
