"""``yekta chat``: the AI in the terminal. Ctrl-C stops a running answer; without one it ends the command."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.threads import deferToThreadPool

from yekta.command.conversation import Conversation
from yekta.command.failure import CommandError, plain, plain_text
from yekta.command.main import leave
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
    status = 0
    while True:
        if is_terminal:
            say("> ")
        line = await _typed(reactor)
        if not line:
            conversation.close()
            return status
        if line.strip():
            with _stoppable(reactor, conversation):
                status = await _ask(conversation, line.strip())


async def _typed(reactor: Any) -> str:
    # In a thread: a reactor would have the terminal not block, for whoever writes to it as well.
    line: bytes = await deferToThreadPool(reactor, reactor.getThreadPool(), sys.stdin.buffer.readline)
    return line.decode("utf-8", "replace")


@contextmanager
def _stoppable(reactor: Any, conversation: Conversation) -> Iterator[None]:
    """Where Ctrl-C stops the answer. Another one ends the command, should the first lead to nothing."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, leave)
        reactor.callFromThread(cancel)

    def cancel() -> None:
        if not conversation.cancel():
            leave()

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, leave)


async def _ask(conversation: Conversation, message: str) -> int:
    try:
        await conversation.ask(message)
    except CommandError as error:
        print(f"yekta: {plain(str(error))}", file=sys.stderr, flush=True)
        return 1
    say("\n")
    return 0


def say(text: str) -> None:
    """Write at once, and nothing that a terminal would obey."""
    print(plain_text(text), end="", flush=True)
