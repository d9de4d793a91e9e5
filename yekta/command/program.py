"""What the ``yekta`` command does: reads its arguments, runs one sub-command, and says errors in one sentence."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError, ensureDeferred
from twisted.internet.task import react
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from yekta import __version__
from yekta.clocks import steady
from yekta.command import chat, check, emit, etc, listen, send, token
from yekta.command.failure import CommandError, plain
from yekta.command.network import Network
from yekta.command.session import DEFAULT_URL


def parser() -> argparse.ArgumentParser:
    """All arguments. Those of the network are each sub-command's, so that they may be written after its name."""
    network = argparse.ArgumentParser(add_help=False)
    network.add_argument("--cafile", help="PEM file of the certificates to trust instead of the system's")
    network.add_argument("--connect", metavar="ADDRESS:PORT", help="connect there, whatever the URL's host and port")
    network.add_argument("--timeout", type=seconds, default=30.0, help="seconds for each request [30]")
    session = argparse.ArgumentParser(add_help=False)
    session.add_argument("--url", default=DEFAULT_URL, help=f"of yektayar-api [{DEFAULT_URL}]")
    session.add_argument("--token", help="of a session; none: YEKTA_TOKEN, else a new session")
    top = argparse.ArgumentParser(prog="yekta", description="Talks to the services of yekta.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for module, parents in (
        (token, [network]),
        (chat, [network, session]),
        (listen, [network, session]),
        (send, [network, session]),
        (check, [network]),
        (emit, []),
        (etc, []),
    ):
        module.add_to(commands, parents)
    return top


def seconds(text: str) -> float:
    """What ``--timeout`` may be. Raises :class:`ValueError`."""
    seconds = float(text)
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise ValueError
    return seconds


def run(arguments: Sequence[str] | None = None) -> None:
    """Run, and leave with the sub-command's status."""
    with open(os.devnull, "r+", encoding="utf-8") as nothing:
        # Where one was closed, there is none.
        sys.stdin, sys.stdout, sys.stderr = (each or nothing for each in (sys.stdin, sys.stdout, sys.stderr))
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # What a terminal has no letter for.
                stream.reconfigure(errors="backslashreplace")
        options = parser().parse_args(arguments)
        if "token" in options:
            # An argument can be seen by everybody on the machine, the environment cannot.
            options.token = options.token or os.environ.get("YEKTA_TOKEN") or None
        react(_run, (options,))


def _run(reactor: Any, options: argparse.Namespace) -> Deferred[None]:
    steady(reactor)
    # Nothing is told but by the sentence: what a library logs may quote a URL, and so a token.
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    # Twisted would stop the reactor, and it would look like success.
    reactor.callWhenRunning(signal.signal, signal.SIGTERM, signal.SIG_DFL)
    return ensureDeferred(_work(reactor, options)).addErrback(_explain)


async def _work(reactor: Any, options: argparse.Namespace) -> None:
    network = Network(reactor, options) if "connect" in options else None
    try:
        status = await options.run(reactor, options, network)
        sys.stdout.flush()
    finally:
        if network is not None:
            await network.close()
    raise SystemExit(status)


def _explain(failure: Failure) -> None:
    if failure.check(SystemExit):
        failure.raiseException()
    if failure.check(BrokenPipeError):
        # Whoever read our output has what it wanted. Python would write the rest at its own end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # What shells make of SIGPIPE.
        raise SystemExit(141)
    if failure.check(TimeoutError):
        sentence = "It took too long."
    elif failure.check(CommandError):
        sentence = str(failure.value)
    elif isinstance(failure.value, OSError) and failure.value.strerror:
        # A full disk, for one.
        sentence = f"{failure.value.strerror}."
    else:
        # An exception of a library may quote a URL, and so a token.
        sentence = f"Unforeseen: {failure.type.__name__ if failure.type else failure}."
    print(f"yekta: {plain(sentence)}", file=sys.stderr)
    raise SystemExit(1)
