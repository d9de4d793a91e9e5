"""Blocking clients that come through a reverse proxy, to one of its names, over HTTP or HTTPS."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import attrs

from tests.support.attacks import PING, PONG, Response, WebSocket, frame, opening
from tests.support.proxies import CLIENT, PATIENCE, Proxy

ORIGIN = "https://app.example"
# What a client claims who wants to be somebody else.
FORGED = {"X-Forwarded-For": "198.51.100.66", "X-Forwarded-Proto": "https"}


@attrs.frozen
class Way:
    """One way through a proxy, from the address ``source``."""

    proxy: Proxy
    scheme: str
    host: str
    source: str = CLIENT

    @property
    def url(self) -> str:
        port = self.proxy.https if self.scheme == "https" else self.proxy.http
        return f"{self.scheme}://{self.host}:{port}"

    def ask(
        self, method: str, target: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[HTTPResponse, str]:
        """An answer, and its body."""
        response = self.begin(method, target, body, headers)
        with response:
            return response, response.read().decode()

    def begin(
        self, method: str, target: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        """An answer whose head has come. The connection ends with it."""
        connection = HTTPConnection(self.host, timeout=PATIENCE)
        connection.sock = self.proxy.connect(self.scheme, self.host, self.source)
        kind = {"Content-Type": "application/json"} if body is not None else {}
        every = {"Origin": ORIGIN, "Connection": "close", **FORGED, **kind, **(headers or {})}
        connection.request(method, target, body and body.encode(), every)
        return connection.getresponse()

    def websocket(self, target: str, headers: str = "") -> ProxiedWebSocket:
        """A WebSocket that is open."""
        lines = "\n".join([f"Origin: {ORIGIN}", *(f"{name}: {value}" for name, value in FORGED.items())])
        return ProxiedWebSocket(self, target, f"{lines}\n{headers}" if headers else lines)


class ProxiedWebSocket(WebSocket):
    """As its base class, through a proxy."""

    def __init__(self, way: Way, target: str, headers: str) -> None:
        self.socket, self.buffer = way.proxy.connect(way.scheme, way.host), bytearray()
        asked = opening(target, headers).replace(b"Host: localhost", f"Host: {way.host}".encode())
        self.send(asked)
        self.answer: Response = self.response()
        assert self.answer.status == 101, self.answer

    def say(self, event: str, data: Any = None) -> Any:
        """Send an event, and hear what comes next."""
        self.send_text(json.dumps({"event": event, "data": data}))
        return json.loads(self.text())

    def beats(self, count: int) -> None:
        """Do nothing but answer heartbeats, so many of them."""
        for _ in range(count):
            first, length = self.take(2)
            assert first & 15 == PING, first
            self.send(frame(self.take(length), PONG))


class PollingClient:
    """Socket.IO over long polling, by hand. ``cors``: the ``Access-Control-Allow-Origin`` of every answer."""

    def __init__(self, way: Way, token: str) -> None:
        self.way = way
        self.cors: list[list[str]] = []
        self._target = "/socket.io/?EIO=4&transport=polling"
        opened = self.poll()
        self.sid: str = json.loads(opened[1:])["sid"]
        self._target += f"&sid={self.sid}"
        self.post("40" + json.dumps({"token": token}))
        # A heartbeat may come before it.
        assert re.search(r"(?:\A|\x1e)40", self.until(r"(?:\A|\x1e)4"))

    def poll(self) -> str:
        """What the next poll brings."""
        return self._ask("GET", None)

    def post(self, packet: str) -> None:
        assert self._ask("POST", packet) == "ok"

    def until(self, pattern: str) -> str:
        """Poll until a packet comes that matches."""
        while not re.search(pattern, payload := self.poll()):
            if "2" in payload.split("\x1e"):
                self.post("3")
        return payload

    def beats(self, count: int) -> None:
        """Poll, and do nothing but answer heartbeats, so many of them."""
        while count:
            for packet in self.poll().split("\x1e"):
                if packet == "2":
                    count -= 1
                    self.post("3")

    def leave(self) -> None:
        self.post("1")

    def _ask(self, method: str, body: str | None) -> str:
        response, text = self.way.ask(method, self._target, body, {"Content-Type": "text/plain;charset=UTF-8"})
        assert response.status == 200, (response.status, text)
        self.cors.append(response.headers.get_all("access-control-allow-origin") or [])
        return text
