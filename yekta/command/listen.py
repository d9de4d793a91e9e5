"""``yekta listen``: prints every event, one line of JSON each, until the connection ends or Ctrl-C."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from yekta import jsontext
from yekta.command.native import enter
from yekta.command.network import Network
from yekta.command.session import acquire


def add_to(commands: Any, parents: list[ArgumentParser]) -> None:
    """Declare the arguments."""
    commands.add_parser("listen", parents=parents, help="print events as they come").set_defaults(run=run)


async def run(reactor: Any, options: Namespace, network: Network) -> int:
    """Run the command."""
    token = options.token or await acquire(network, options.url)
    native = await enter(network, options.url, token)
    event = native.welcome
    while True:
        print(jsontext.encode({"event": event.name, "data": event.data}), flush=True)
        event = await native.receive()
