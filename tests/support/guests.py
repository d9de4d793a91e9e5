"""Clients that stay at one server of several."""

from __future__ import annotations

from typing import Any

from tests.support.several import Several
from tests.support.socketio import Browser
from yekta.socketio.socket import Socket


class Guest:
    """One at the server ``name``, in ``rooms``."""

    def __init__(self, several: Several, name: str, *rooms: str) -> None:
        self.browser: Browser = several[name].browser()
        self.socket: Socket = self.browser.connect()
        self.socket.join(*rooms)

    def told(self) -> Any:
        return self.browser.heard()
