"""Namespaces that are made when clients ask for them."""

from __future__ import annotations

import re

from tests.support.socketio import Browser, House

ROOMS = re.compile(r"^/room-\d+$")
REFUSED = '{"message":"Invalid namespace"}'


def join(house: House, name: str, auth: str = "") -> Browser:
    """A client that asks for a namespace."""
    browser = house.browser()
    browser.say(f"0{name},{auth}")
    return browser


def children(house: House) -> list[str]:
    """The names that somebody has asked for."""
    return [name for name in house.server.namespaces if name != "/"]
