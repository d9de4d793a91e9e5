"""``yekta emit ROOM EVENT [JSON]``: sends to a room of the running service, through its control socket."""

from __future__ import annotations

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


def add_to(commands: Any, parents: list[ArgumentParser]) -> None:
    """Declare the arguments."""
    parser = commands.add_parser("emit", parents=parents, help="send an event to a room of the running service")
    parser.add_argument("room", help="such as user:42 or session:ID")
    parser.add_argument("event")
    parser.add_argument("data", nargs="?", metavar="JSON", help="its data; none: null")
    parser.add_argument("--socket", required=True, help="the service's CONTROL_SOCKET")
    parser.set_defaults(run=run)


async def run(reactor: Any, options: Namespace, network: None) -> int:
    """Run the command."""
    asked = {"command": "emit", "room": options.room, "event": options.event, "data": json_argument(options.data)}
    try:
        connecting: Deferred[Any] = UNIXClientEndpoint(reactor, options.socket).connect(Factory.forProtocol(_Asking))
        asking: _Asking = await connecting
    except (ConnectError, OSError):
        raise CommandError("Nobody listens on that control socket, or it is not yours to use.") from None
    asking.sendLine(jsontext.encode(asked).encode())
    reply = jsontext.decode(await asking.answer.addTimeout(_PATIENCE, reactor))
    if not reply["ok"]:
        raise CommandError(reply["error"])
    print(f"Connections in the room: {reply['members']}")
    return 0


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
