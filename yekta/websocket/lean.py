"""Autobahn's server protocol without what it makes for every connection, most of which no connection ever uses.

Autobahn sets some eighty attributes when a connection is made: copies of its factory's options, flags, two
Deferreds, a UTF-8 validator, statistics. Here the options are attributes of a class that a factory's connections share
(:func:`with_options`), the flags are class-level defaults, and a validator is made for a connection that needs one.
It behaves the same (``tests/websocket/test_equivalence.py``).
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from autobahn.twisted.websocket import WebSocketServerProtocol
from autobahn.websocket.protocol import TrafficStats
from autobahn.websocket.utf8validator import Utf8Validator

# What a client has asked for. What it was granted is beside it.
_ASKED = frozenset(("websocket_protocols", "websocket_extensions", "websocket_origin", "_wskey"))


class _Silence:
    """Autobahn's log calls format requests and payloads; neither may reach a log."""

    def _drop(self, *args: object, **kwargs: object) -> None:
        """Nothing."""

    debug = info = warn = error = failure = _drop


class _Nobody:
    """Stands for the Deferreds of opening and closing: our receivers are told by method calls."""

    def callback(self, result: object) -> None:
        """Nobody waits."""


class _OnFirstUse:
    """An attribute that is made when a connection first asks for it."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        made = instance.__dict__[self._name] = self._make()
        return made


class LeanProtocol(WebSocketServerProtocol):
    """See the module. Made for one connection, and given its transport by `makeConnection` as any protocol."""

    log = _Silence()
    is_open = is_closed = _Nobody()
    # Autobahn counts octets; the metrics count elsewhere, so all connections may share what nobody reads.
    trafficStats = TrafficStats()
    utf8validator = _OnFirstUse(Utf8Validator)
    send_queue = _OnFirstUse(deque)
    peer = ""
    state = WebSocketServerProtocol.STATE_CONNECTING
    send_state = WebSocketServerProtocol.SEND_STATE_GROUND
    data = b""
    triggered = False
    inside_message = False
    current_frame = None
    websocket_version = 13
    websocket_protocol_in_use = None
    websocket_extensions_in_use: ClassVar[list[object]] = []
    _transport_details = None
    _perMessageCompress = None
    trackedTimings = None
    wasMaxFramePayloadSizeExceeded = wasMaxMessagePayloadSizeExceeded = False
    closedByMe = failedByMe = droppedByMe = False
    wasClean = False
    wasNotCleanReason = None
    wasServerConnectionDropTimeout = wasOpenHandshakeTimeout = wasCloseHandshakeTimeout = False
    wasServingFlashSocketPolicyFile = False
    localCloseCode = localCloseReason = remoteCloseCode = remoteCloseReason = None
    openHandshakeTimeoutCall = closeHandshakeTimeoutCall = None
    autoPingTimeoutCall = autoPingPending = autoPingPendingCall = autoPingPendingSent = None
    autoPingPendingSeq = 0

    # Autobahn's makes two Deferreds and a table of listeners.
    __init__ = object.__init__

    def connectionMade(self) -> None:
        """Autobahn's sets all of the above."""

    def succeedHandshake(self, res: Any) -> None:
        """As Autobahn's, which keeps the request as long as the connection, in many forms: 900 KB where 12 KB list what
        nobody knows."""
        super().succeedHandshake(res)
        for name in [name for name in self.__dict__ if name.startswith("http_") or name in _ASKED]:
            delattr(self, name)


def with_options(protocol: type[LeanProtocol], factory: Any) -> type[LeanProtocol]:
    """``protocol`` for the connections of ``factory``, with its options where Autobahn looks for them."""
    shared = {name: getattr(factory, name) for name in protocol.CONFIG_ATTRS}
    described = {"__module__": protocol.__module__, "__doc__": protocol.__doc__}
    return type(protocol.__name__, (protocol,), {**described, **shared, "factory": factory})
