"""Calling the application: middlewares and listeners, synchronous or not, and what happens when they fail.

A listener that returns nothing costs no Deferred. One that returns an awaitable holds the client's next event back
until it is done. One that fails is logged, without the event's arguments, and its client is told nothing. That a client
left before it answered is no failure.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList, ensureDeferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.engineio.connection import State
from yekta.socketio.errors import Disconnected
from yekta.socketio.listeners import Listener, ignore

if TYPE_CHECKING:
    from yekta.socketio.socket import Socket

Ack = Callable[..., None]

_CLOSED = State.CLOSED

log = Logger()


def dispatch(socket: Socket, event: str, args: list[Any], ack: Ack) -> Deferred[Any] | None:
    """Hand an event to a socket's catch-alls, middlewares and listeners. Gives what the next event has to wait for, if
    anything."""
    for function in socket.audience.incoming:
        call(function, event, *args)
    if socket.audience.middlewares:
        return call(lambda: _filtered(socket, event, args, ack))
    return _deliver(socket, event, args, ack)


def call(function: Callable[..., Any], *args: Any, ack: Ack = ignore) -> Deferred[Any] | None:
    """Call a function of the application's. Gives a Deferred, which never fails, if it is not done yet."""
    try:
        result = function(*args)
        # Within: an answer that cannot be written is the listener's failure too.
        return None if result is None else _settle(result, ack)
    except Exception:
        log.failure("A listener failed")
        return None


def ask(listener: Listener, args: Sequence[Any]) -> Deferred[Any]:
    """What a listener answers to another server: what it returns or, where it has a parameter ``ack``, says by that.
    Fails as it does."""
    answer: Deferred[Any] = Deferred()

    def ack(*values: Any) -> None:
        if not answer.called:
            answer.callback(values[0] if values else None)

    def done(result: Any) -> None:
        if result is not None or not listener.wants_ack:
            ack(result)

    def broke(failure: Failure) -> None:
        if answer.called:
            failed(failure)
        else:
            answer.errback(failure)

    maybeDeferred(listener.call, args, ack).addCallbacks(done, broke)
    return answer


def cancel(pending: Deferred[Any]) -> None:
    """Cancel what the application waits for; whose canceller may fail."""
    try:
        pending.cancel()
    except Exception:
        log.failure("A canceller failed")


async def _filtered(socket: Socket, event: str, args: list[Any], ack: Ack) -> None:
    try:
        for middleware in socket.audience.middlewares:
            if socket.client.connection.state is _CLOSED:
                # By the one before. Nothing would end this one.
                return
            result = middleware(event, args)
            if isinstance(result, Awaitable):
                await result
    except Exception as error:
        # As Node's: told to the socket's own `error` listeners, if it has any, and never to the client.
        if not socket.tell("error", error):
            raise
        return
    pending = _deliver(socket, event, args, ack)
    if pending is not None:
        await pending


def _deliver(socket: Socket, event: str, args: list[Any], ack: Ack) -> Deferred[Any] | None:
    listeners = socket.audience.listeners.of(event)
    fallback = socket.audience.fallback if socket.owner is None else socket.owner.event_received
    if not listeners and fallback is not None:
        return call(fallback, event, args, ack, ack=ack)
    unfinished = []
    for listener in listeners:
        is_over = socket.client.connection.state is _CLOSED
        pending = call(listener.call, args, ack, ack=ack)
        if pending is not None and is_over:
            # Another listener has ended the connection, whose end will not come again for this one.
            cancel(pending)
        elif pending is not None:
            unfinished.append(pending)
    if len(unfinished) > 1:
        return DeferredList(unfinished)
    return unfinished[0] if unfinished else None


def _settle(result: Any, ack: Ack) -> Deferred[Any] | None:
    """A value acknowledges; an awaitable does when it is done."""
    if not isinstance(result, Awaitable):
        _answer(result, ack)
        return None
    pending: Deferred[Any] = result if isinstance(result, Deferred) else ensureDeferred(_await(result))
    pending.addCallback(_answer, ack)
    pending.addErrback(failed)
    return None if pending.called and not pending.paused else pending


async def _await(result: Awaitable[Any]) -> Any:
    return await result


def _answer(result: Any, ack: Ack) -> None:
    if isinstance(result, tuple):
        ack(*result)
    elif result is not None:
        ack(result)


def failed(failure: Failure) -> None:
    """A listener has failed: logged, but for whoever only waited for a client."""
    # Whoever is asked may leave whenever it wants to.
    if not failure.check(CancelledError, Disconnected):
        log.failure("A listener failed", failure)
