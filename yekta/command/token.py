"""``yekta token``: acquires a session and prints its token."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from yekta.command.network import Network
from yekta.command.session import DEFAULT_URL, acquire


def add_to(commands: Any, parents: list[ArgumentParser]) -> None:
    """Declare the arguments."""
    parser = commands.add_parser("token", parents=parents, help="acquire a session and print its token")
    parser.add_argument("--url", default=DEFAULT_URL, help=f"of yektayar-api [{DEFAULT_URL}]")
    parser.set_defaults(run=run)


async def run(reactor: Any, options: Namespace, network: Network) -> int:
    """Run the command."""
    print(await acquire(network, options.url))
    return 0
