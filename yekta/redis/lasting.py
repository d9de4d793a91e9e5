"""A connection to Redis that is made again whenever it is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import txredisapi
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, ensureDeferred, fail, succeed
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure

from yekta.alarm import Alarm
from yekta.redis.address import Address
from yekta.redis.connection import Lost, Refused
from yekta.redis.trouble import Trouble

# Seconds to connect, and to close; and between two attempts, at first and at the most.
CONNECT, CLOSE, PAUSE, LONGEST_PAUSE = 5.0, 2.0, 0.2, 5.0

# Seconds that a connection must have lasted for the next pause to be short: one may be let in, and refused all it asks.
LASTED = 1.0


class Lasting:
    """``up()`` is called whenever the connection is there, and ``down()`` when it is lost. ``is_up``: it is there.

    ``trouble``: what an operator is told by, which several connections may share.

    Twisted's `ClientService` has no transition for a connection that is lost while it is being prepared.
    """

    def __init__(
        self,
        reactor: Any,
        address: Address,
        up: Callable[[], object],
        down: Callable[[], object],
        trouble: Trouble | None = None,
    ) -> None:
        self.is_up = False
        self._clock = reactor
        self._address = address
        self._endpoint = _endpoint(reactor, address)
        self._up = up
        self._down = down
        self._connecting: Deferred[Any] | None = None
        self._protocol: _Protocol | None = None
        self._trouble = Trouble(reactor) if trouble is None else trouble
        # Why this connection was given up, and since when it has replied.
        self._why = ""
        self._well_since: float | None = None
        self._pause = PAUSE
        self._again = Alarm(reactor, self._connect)
        self._stopped: Deferred[None] | None = None

    def start(self) -> None:
        """Connect."""
        self._connect()

    def stop(self) -> Deferred[None]:
        """Connect no more. Fires when the connection is closed; what was said before has left."""
        stopped: Deferred[None] = Deferred()
        self._stopped = stopped
        self._again.clear()
        self._trouble.leave(self)
        if self._connecting is not None:
            self._connecting.cancel()
        if self._protocol is None:
            return succeed(None)
        self._protocol.transport.loseConnection()
        # One that is stuck takes nothing, and so does not end.
        return stopped.addTimeout(CLOSE, self._clock, lambda result, _: self.abort())

    def call(self, *command: bytes) -> Deferred[Any]:
        """Say ``command``; fires with its reply. Fails with `Lost` or `Refused`."""
        if self._protocol is None:
            return fail(Lost())
        called: Deferred[Any] = self._protocol.execute_command(*command)
        return called.addCallbacks(self._replied, _failed)

    def abort(self, why: str = "") -> None:
        """Connect anew; ``why``: what is told an operator."""
        if self._protocol is not None:
            self._why = self._why or why
            self._protocol.transport.abortConnection()

    def lost(self, why: Failure) -> None:
        """Called by the protocol, whose connection is over."""
        self._protocol = None
        if self.is_up:
            self.is_up = False
            self._down()
        if self._stopped is None:
            self._failed(why)
        else:
            self._stopped.callback(None)

    def _connect(self) -> None:
        self._connecting = self._endpoint.connect(_Factory.forProtocol(partial(_Protocol, self)))
        self._connecting.addCallbacks(self._connected, self._failed)

    def _connected(self, protocol: _Protocol) -> None:
        self._connecting, self._protocol = None, protocol
        ensureDeferred(self._introduce(protocol)).addErrback(self._not_introduced)

    def _failed(self, why: Failure) -> None:
        self._connecting = None
        if self._stopped is None:
            self._trouble.begin(self, self._why or why.getErrorMessage())
            if self._well_since is not None and self._clock.seconds() >= self._well_since + LASTED:
                self._pause = PAUSE
            self._again.set(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._why, self._well_since = "", None

    async def _introduce(self, protocol: _Protocol) -> None:
        for command in _introduction(self._address):
            await protocol.execute_command(*command).addTimeout(CONNECT, self._clock)
        self.is_up = True
        self._up()

    def _not_introduced(self, failure: Failure) -> None:
        if not failure.check(txredisapi.ConnectionError):
            self.abort("it is silent" if failure.check(TimeoutError) else _code(failure))

    def _replied(self, reply: Any) -> Any:
        if self._well_since is None:
            self._well_since = self._clock.seconds()
            self._trouble.end(self)
        return reply


class _Protocol(txredisapi.RedisProtocol):  # type: ignore[misc]
    """As it comes, with bytes for what it says and hears."""

    def __init__(self, owner: Lasting) -> None:
        super().__init__(charset=None, convertNumbers=False)
        self._owner = owner

    def dataReceived(self, data: bytes) -> None:
        try:
            super().dataReceived(data)
        except txredisapi.InvalidData:
            self._owner.abort("it does not speak as Redis does")

    def connectionLost(self, why: Failure) -> None:
        self._owner.lost(why)
        super().connectionLost(why)


def _failed(failure: Failure) -> Failure:
    if failure.check(CancelledError):
        # Nobody has waited for longer.
        return failure
    return Failure(Lost() if failure.check(txredisapi.ConnectionError) else Refused(_code(failure)))


def _code(failure: Failure) -> str:
    """The first word of what Redis says: the rest may quote what it was told."""
    return str(failure.value).strip().partition(" ")[0]


class _Factory(Factory):
    noisy = False


def _introduction(address: Address) -> Iterator[tuple[bytes, ...]]:
    """What is said first: one that answers nothing is not there, whoever accepts for it.

    One that reads its file still lets us in, and then refuses whatever is not about that.
    """
    if address.password is not None:
        name = () if address.username is None else (address.username.encode(),)
        yield (b"AUTH", *name, address.password.encode())
    if address.database:
        yield (b"SELECT", str(address.database).encode())
    yield (b"PING",)


def _endpoint(reactor: Any, address: Address) -> IStreamClientEndpoint:
    if address.path:
        return UNIXClientEndpoint(reactor, address.path, timeout=CONNECT)
    endpoint = HostnameEndpoint(reactor, address.host, address.port, timeout=CONNECT)
    return wrapClientTLS(optionsForClientTLS(address.host), endpoint) if address.tls else endpoint
