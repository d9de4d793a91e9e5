"""``yekta chat``: the AI in the terminal. Ctrl-C stops a running answer; without one it ends the command."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from twisted.internet.defer import Deferred, DeferredQueue, ensureDeferred
from twisted.internet.protocol import connectionDone
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from yekta.command.conversation import Conversation
from yekta.command.failure import CommandError
from yekta.command.network import Network
from yekta.command.session import acquire


def add_to(commands: Any, parents: list[ArgumentParser]) -> None:
    """Declare the arguments."""
    parser = commands.add_parser("chat", parents=parents, help="talk to the AI")
    parser.add_argument("--locale", choices=("fa", "en"), default="fa", help="language of the AI [fa]")
    parser.set_defaults(run=run)


async def run(reactor: Any, options: Namespace, network: Network) -> int:
    """Run the command."""
    token = options.token or await acquire(network, options.url)
    conversation = Conversation(network, options.url, token, options.locale, say)
    is_terminal = sys.stdin.isatty()
    lines = Lines()
    # Where one was closed, its number may be something else by now. Another system's takes no numbers.
    attach: Any = StandardIO
    attach(lines, stdin=sys.stdin.fileno(), stdout=sys.stdout.fileno(), reactor=reactor)
    talking: Deferred[int] = ensureDeferred(_talk(conversation, lines, is_terminal))

    def interrupted() -> None:
        if not conversation.cancel():
            talking.cancel()

    signal.signal(signal.SIGINT, lambda *_: reactor.callFromThread(interrupted))
    return await talking


async def _talk(conversation: Conversation, lines: Lines, is_terminal: bool) -> int:
    status = 0
    while True:
        if is_terminal:
            say("> ")
        line = await lines.next()
        if line is None:
            conversation.close()
            return status
        if line.strip():
            status = await _ask(conversation, line.strip())


async def _ask(conversation: Conversation, message: str) -> int:
    try:
        await conversation.ask(message)
    except CommandError as error:
        print(f"yekta: {error}", file=sys.stderr, flush=True)
        return 1
    say("\n")
    return 0


def say(text: str) -> None:
    """Write at once."""
    print(text, end="", flush=True)


class Lines(LineOnlyReceiver):
    """What is typed, line by line."""

    delimiter = b"\n"

    def __init__(self) -> None:
        self._typed: DeferredQueue[str | None] = DeferredQueue()

    def next(self) -> Deferred[str | None]:
        """The next line; ``None`` at the end."""
        return self._typed.get()

    def lineReceived(self, line: bytes) -> None:
        self._typed.put(line.decode("utf-8", "replace"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._buffer:
            # Typed without an end of line.
            self.lineReceived(self._buffer)
        self._typed.put(None)
