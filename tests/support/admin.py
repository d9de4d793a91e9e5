"""An instrumented server, its operators and its visitors.

    office = open_office(house, "development")
    operator = office.login()
    operator.told("config")                        # the arguments of each such event since it was last asked
    operator.command("join", "/chat", "kitchen")
"""

from __future__ import annotations

import json
from typing import Any

import attrs

from tests.support.patterns import Kind, Like
from tests.support.socketio import Browser, House
from yekta.socketio.admin import Admin, AdminSettings, instrument
from yekta.socketio.packet import decode_text
from yekta.socketio.socket import Socket

RIGHT = {"username": "admin", "password": "secret"}
DATE: Any = Like(r"1970-01-01T00:00:\d\d\.\d{3}Z")
NUMBER: Any = Kind(int)


@attrs.define(eq=False)
class Office:
    """An instrumented house."""

    house: House
    admin: Admin

    def login(self, auth: Any = RIGHT) -> Operator:
        """An operator, let in or not."""
        browser = self.house.browser()
        browser.say(f"0/admin,{json.dumps(auth)}")
        return Operator(browser)

    def visitor(self, namespace: str = "/", **more: Any) -> tuple[Browser, Socket]:
        browser = self.house.browser(**more)
        return browser, browser.connect(namespace)


@attrs.define(eq=False)
class Operator:
    browser: Browser

    def heard(self) -> list[Any]:
        """The events that came since the last time; numbers of the server are left out."""
        data = [decode_text(message)[0].data for message in self.browser.heard() if isinstance(message, str)]
        return [each for each in data if isinstance(each, list) and each[0] != "server_stats"]

    def told(self, event: str) -> list[list[Any]]:
        """The arguments of those events of this name that came since the last time."""
        data = (decode_text(message)[0].data for message in self.browser.heard() if isinstance(message, str))
        return [each[1:] for each in data if isinstance(each, list) and each[0] == event]

    def command(self, *args: Any) -> None:
        self.browser.say(f"2/admin,{json.dumps(args)}")


def open_office(house: House, mode: str = "production", **settings: Any) -> Office:
    """Instrument ``house``, which also gets a namespace to chat in."""
    house.of("/chat")
    house.of("/admin")
    return Office(house, instrument(house.server, AdminSettings("admin", "secret", mode=mode, **settings)))
