"""The control socket: what an operator may tell the running service, over a UNIX socket of their own (mode 0600).

One JSON object a line, each answered by one: ``{"command": "emit", "room": …, "event": …, "data": …}`` by
``{"ok": true, "members": N}``, or by ``{"ok": false, "error": …}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver

from yekta import jsontext
from yekta.app.hub import Hub
from yekta.socketio.adapter import Adapter
from yekta.socketio.packet import RESERVED


class Control(Factory):
    """``max_line``: bytes of one command. ``linked()`` fires when what is said reaches the other processes as well:
    one that has just begun does not see them yet."""

    noisy = False

    def __init__(self, hub: Hub, adapter: Adapter, max_line: int, linked: Callable[[], Deferred[None]]) -> None:
        self.linked = linked
        self.hub = hub
        self.adapter = adapter
        self.max_line = max_line

    def buildProtocol(self, addr: Any) -> Commands:
        return Commands(self)


class Commands(LineOnlyReceiver):
    """The connection of one operator."""

    transport: Any
    delimiter = b"\n"
    _log = Logger()

    def __init__(self, control: Control) -> None:
        self._control = control
        self.MAX_LENGTH = control.max_line

    def connectionMade(self) -> None:
        self.transport.pauseProducing()
        self._control.linked().addCallback(lambda _: self.transport.resumeProducing())

    def lineReceived(self, line: bytes) -> None:
        try:
            reply = self._obey(jsontext.decode(line))
        except ValueError:
            reply = _refusal("The command is not one.")
        self.sendLine(jsontext.encode(reply).encode())

    def _obey(self, asked: Any) -> dict[str, Any]:
        if not isinstance(asked, dict) or asked.get("command") != "emit":
            return _refusal("The only command is emit.")
        room, event = asked.get("room"), asked.get("event")
        if not isinstance(room, str) or not isinstance(event, str) or not room or not event or event in RESERVED:
            return _refusal("A room and an event are needed, both of them text and not the protocol's own.")
        members = len(self._control.adapter.rooms.members(room))
        self._control.hub.emit(room, event, asked.get("data"))
        self._log.info("an operator has sent to a room of {members}", members=members)
        return {"ok": True, "members": members}


def _refusal(sentence: str) -> dict[str, Any]:
    return {"ok": False, "error": sentence}


def endpoint(path: str) -> str:
    """The endpoint string of the control socket: readable and writable by its owner alone, before it listens."""
    return f"unix:{quoteStringArgument(path)}:mode=600"
