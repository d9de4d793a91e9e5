"""``yekta emit ROOM EVENT [JSON]``: sends to a room of all processes, through the control socket of one."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from yekta import jsontext
from yekta.command.failure import CommandError
from yekta.command.send import json_argument

_PATIENCE = 10.0

# Bytes; unix(7).
_LONGEST = 107


def add_to(commands: Any, parents: list[ArgumentParser]) -> None:
    """Declare the arguments."""
    parser = commands.add_parser("emit", parents=parents, help="send an event to a room of all processes")
    parser.add_argument("room", help="such as user:42 or session:ID")
    parser.add_argument("event")
    parser.add_argument("data", nargs="?", metavar="JSON", help="its data; none: null")
    parser.add_argument("--socket", required=True, help="CONTROL_SOCKET of a process; with workers, PATH.0")
    parser.set_defaults(run=run)


async def run(reactor: Any, options: Namespace, network: None) -> int:
    """Run the command."""
    asked = {"command": "emit", "room": options.room, "event": options.event, "data": json_argument(options.data)}
    if len(os.fsencode(options.socket)) > _LONGEST:
        # Twisted would wait for it without end.
        raise CommandError("No socket can have so long a path.")
    try:
        connecting: Deferred[Any] = UNIXClientEndpoint(reactor, options.socket).connect(Factory.forProtocol(_Asking))
        asking: _Asking = await connecting
    except (ConnectError, OSError):
        raise CommandError("Nobody listens on that control socket, or it is not yours to use.") from None
    asking.sendLine(jsontext.encode(asked).encode())
    # Others may have some more, and do not say so.
    print(f"Connections in the room at this process: {_members(await asking.answer.addTimeout(_PATIENCE, reactor))}")
    return 0


def _members(line: bytes) -> int:
    try:
        reply = jsontext.decode(line)
        if reply["ok"]:
            return int(reply["members"])
        refusal = str(reply["error"])
    except (jsontext.NotJson, KeyError, TypeError, ValueError):
        refusal = "What listens on that socket is no service of yekta."
    raise CommandError(refusal)


class _Asking(LineOnlyReceiver):
    delimiter = b"\n"

    def __init__(self) -> None:
        self.answer: Deferred[bytes] = Deferred()

    def lineReceived(self, line: bytes) -> None:
        if not self.answer.called:
            self.answer.callback(line)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.answer.called:
            self.answer.errback(CommandError("The service closed the control socket."))
