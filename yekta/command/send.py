"""``yekta send EVENT [JSON]``: sends one event and prints its reply; the status is 1 where that is an error."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from yekta import jsontext
from yekta.command.failure import CommandError
from yekta.command.native import Event, Native, enter
from yekta.command.network import Network
from yekta.command.session import acquire

# Marks the reply among whatever else comes.
_ID = "yekta-send"


def add_to(commands: Any, parents: list[ArgumentParser]) -> None:
    """Declare the arguments."""
    parser = commands.add_parser("send", parents=parents, help="send one event and print its reply")
    parser.add_argument("event")
    parser.add_argument("data", nargs="?", metavar="JSON", help="its data; none: null")
    parser.set_defaults(run=run)


async def run(reactor: Any, options: Namespace, network: Network) -> int:
    """Run the command."""
    data = json_argument(options.data)
    token = options.token or await acquire(network, options.url)
    native = await enter(network, options.url, token)
    native.send(options.event, data, _ID)
    reply: Deferred[Event] = ensureDeferred(_reply(native)).addTimeout(network.timeout, reactor)
    event = await reply
    print(jsontext.encode({"event": event.name, "data": event.data}))
    native.websocket.close()
    return 1 if event.name == "error" or event.name.endswith(":error") else 0


def json_argument(text: str | None) -> Any:
    """The value of a JSON argument. Raises :class:`CommandError`."""
    try:
        return None if text is None else jsontext.decode(text)
    except jsontext.NotJson:
        raise CommandError("The data is not JSON.") from None


async def _reply(native: Native) -> Event:
    while (event := await native.receive()).id != _ID:
        pass
    return event
