"""python-socketio's client, whose handlers take exactly the arguments that were sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Event
from typing import Any

import pytest
import socketio

from tests.support.conformance import App, serving

# Seconds to wait for what must come.
PATIENCE = 20

TRANSPORTS = pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]], ids=",".join)
NAMESPACES = pytest.mark.parametrize("namespace", ["/", "/custom"])

BYTES = b"\x01\x02\x03\xfa"


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with serving("--recovery", "--ping-interval", "0.3", "--ping-timeout", "5") as app:
        yield app


class Visitor:
    """A client in one namespace; ``heard``: events with exactly their arguments."""

    def __init__(self, app: App, namespace: str, transports: list[str]) -> None:
        self.client = socketio.Client(reconnection=False, handle_sigint=False)
        self.heard: Queue[tuple[Any, ...]] = Queue()
        self.lost = Event()
        self._namespace = namespace
        self.client.on("*", lambda event, *args: self.heard.put((event, *args)), namespace=namespace)
        self.client.on("disconnect", lambda *_: self.lost.set(), namespace=namespace)
        self.client.connect(
            app.url, namespaces=[namespace], transports=transports, auth={"token": "سلام"}, wait_timeout=PATIENCE
        )

    def hear(self) -> tuple[Any, ...]:
        return self.heard.get(timeout=PATIENCE)

    def say(self, event: str, *args: Any) -> None:
        self.client.emit(event, args, namespace=self._namespace)

    def call(self, event: str, *args: Any) -> Any:
        return self.client.call(event, args, namespace=self._namespace, timeout=PATIENCE)


@contextmanager
def visiting(app: App, namespace: str, transports: list[str]) -> Iterator[Visitor]:
    visitor = Visitor(app, namespace, transports)
    try:
        yield visitor
    finally:
        visitor.client.disconnect()


@NAMESPACES
@TRANSPORTS
def test_a_whole_conversation(app: App, namespace: str, transports: list[str]) -> None:
    with visiting(app, namespace, transports) as visitor:
        # A server that appended its offset would be heard here.
        assert visitor.hear() == ("auth", {"token": "سلام"})
        visitor.say("message", 1, "سلام 😀", {"a": [None, True, 1.5]}, BYTES)
        assert visitor.hear() == ("message-back", 1, "سلام 😀", {"a": [None, True, 1.5]}, BYTES)
        assert visitor.call("message-with-ack", "x", BYTES) == ("x", BYTES)
        # Its JSON spells each letter that is not ASCII with six characters.
        text = "ی" * 100_000 + "x" * 300_000
        visitor.say("message", text)
        assert visitor.hear() == ("message-back", text)
        assert visitor.client.transport() == transports[-1]
        assert visitor.heard.empty()


@TRANSPORTS
def test_heartbeats_are_survived(app: App, transports: list[str]) -> None:
    with visiting(app, "/", transports) as visitor:
        visitor.hear()
        assert not visitor.lost.wait(1.5), "five heartbeats later"
        assert visitor.call("message-with-ack", "alive") == "alive"


@NAMESPACES
def test_an_unknown_namespace_is_refused(app: App, namespace: str) -> None:
    client = socketio.Client(reconnection=False, handle_sigint=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(app.url, namespaces=[namespace + "nowhere"], wait_timeout=PATIENCE)
    client.disconnect()
