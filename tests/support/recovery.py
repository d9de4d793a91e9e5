"""Clients that lose their connection and come back.

    client = visit(house)                          # like JavaScript's: it may recover
    client.cut()
    back = come_back(house, client)                # offset="…": the last one that it has seen
    missed(back)                                   # names of the events that it was told with its CONNECT
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from tests.support.socketio import Browser, House
from yekta.engineio.packet import Packet
from yekta.socketio.packet import decode_text
from yekta.socketio.socket import Socket

JAVASCRIPT = {"user-agent": "Mozilla/5.0"}


@attrs.frozen(eq=False)
class Lost:
    """A client that has joined ``/``, and may be lost again. ``raw``: its CONNECT, and what it heard with it."""

    browser: Browser
    socket: Socket
    welcome: dict[str, Any]
    raw: list[Packet]

    @property
    def sid(self) -> str:
        return str(self.welcome["sid"])

    @property
    def pid(self) -> str:
        return str(self.welcome["pid"])

    def replayed(self) -> list[Any]:
        """The events that it heard with its CONNECT; attachments left out."""
        return [decode_text(message)[0].data for message in self.raw if isinstance(message, str) and message[0] != "0"]

    def read(self) -> list[Any]:
        """The events that came since the last time; attachments left out."""
        return [decode_text(message)[0].data for message in self.browser.heard() if isinstance(message, str)]

    def cut(self) -> Lost:
        """Its connection breaks."""
        self.browser.cut()
        return self


def visit(house: House, auth: Any = None, *, headers: Mapping[str, str] = JAVASCRIPT) -> Lost:
    """A client that joins ``/``."""
    browser = house.browser(headers)
    browser.say("0" if auth is None else f"0{json.dumps(auth)}")
    raw = browser.heard()
    welcomes = [message for message in raw if isinstance(message, str) and message[0] == "0"]
    assert len(welcomes) == 1, raw
    welcome = json.loads(welcomes[0][1:])
    return Lost(browser, house.server.sockets.sockets[welcome["sid"]], welcome, raw)


def come_back(house: House, client: Lost, *, offset: Any = None) -> Lost:
    """The same client on a new connection."""
    return visit(house, {"pid": client.pid} | ({} if offset is None else {"offset": offset}))


def missed(client: Lost) -> list[str]:
    """The names of the events that it was told with its CONNECT, which came first."""
    assert str(client.raw[0])[0] == "0", client.raw
    return [event[0] for event in client.replayed()]
