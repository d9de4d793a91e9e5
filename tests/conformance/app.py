"""A server that a protocol conformance suite can be pointed at::

    python -m tests.conformance.app [PORT] [--ping-interval 0.3] [--ping-timeout 0.2] [--max-payload 1000000] [--eio3]

Namespaces ``/`` and ``/custom``: ``auth`` on connection, ``message`` comes back, ``message-with-ack`` is acknowledged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IListeningPort

from yekta.socketio.recovery import Settings as Recovery
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

reactor: Any = _reactor


def connected(socket: Socket) -> None:
    socket.emit("auth", socket.handshake.auth)

    @socket.on("message")
    def message(*args: Any) -> None:
        socket.emit("message-back", *args)

    @socket.on("message-with-ack")
    def message_with_ack(*args: Any, ack: Callable[..., None]) -> None:
        ack(*args)


def serve(port: int, **options: Any) -> Server:
    """Listen, and say on standard output where."""
    io = Server(reactor, **options)
    io.on_connection(connected)
    io.of("/custom").on_connection(connected)

    def listening(where: IListeningPort) -> None:
        print(f"listening on {where.getHost().port}", flush=True)

    TCP4ServerEndpoint(reactor, port, interface="127.0.0.1").listen(io.factory()).addCallback(listening)
    return io


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="A Socket.IO server for conformance suites.")
    parser.add_argument("port", nargs="?", type=int, default=3000)
    parser.add_argument("--ping-interval", type=float, default=0.3)
    parser.add_argument("--ping-timeout", type=float, default=0.2)
    parser.add_argument("--max-payload", type=int, default=1_000_000)
    parser.add_argument("--eio3", action="store_true")
    parser.add_argument("--recovery", action="store_true")
    given = parser.parse_args(arguments)
    serve(
        given.port,
        ping_interval=given.ping_interval,
        ping_timeout=given.ping_timeout,
        max_payload=given.max_payload,
        allow_eio3=given.eio3,
        recovery=Recovery() if given.recovery else None,
    )
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
