"""Clients that come, speak, leave and come back as chance has it, while listeners take their time: each socket hears
what it would if none did."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred

from tests.support.socketio import Browser, House, MakeHouse, PollingBrowser
from yekta.socketio.socket import Socket

SPELLINGS = ("/", "/a", "/b")


@attrs.define(eq=False)
class Walk:
    """One client. ``heard``: what each of its sockets heard, as they came, by namespace; ``said``: what was said to it.

    ``working``: the listeners that are at work.
    """

    house: House
    chance: Random
    heard: dict[str, list[list[Any]]] = attrs.field(factory=lambda: {spelling: [] for spelling in SPELLINGS})
    said: dict[str, list[list[Any]]] = attrs.field(factory=lambda: {spelling: [] for spelling in SPELLINGS})
    inside: set[str] = attrs.field(factory=set)
    working: list[Deferred[None]] = attrs.field(factory=list)
    client: Browser | PollingBrowser = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        for spelling in SPELLINGS:
            self.house.of(spelling).on_connection(self._came)
        self.client = self.house.poller() if self.chance.random() < 0.3 else self.house.browser()

    def _came(self, socket: Socket) -> None:
        heard: list[Any] = []
        self.heard[socket.spelling].append(heard)

        def slow(value: Any) -> Deferred[None]:
            heard.append(value)
            self.working.append(Deferred())
            return self.working[-1]

        socket.on("slow")(slow)
        socket.on("fast")(heard.append)

    def step(self, number: int) -> None:
        """The client does something, or a listener is done."""
        spelling, what = self.chance.choice(SPELLINGS), self.chance.random()
        prefix = "" if spelling == "/" else f"{spelling},"
        if what < 0.25 and self.working:
            self.working.pop(0).callback(None)
        elif spelling not in self.inside:
            self.inside.add(spelling)
            self.said[spelling].append([])
            self.client.say(f"0{prefix}")
        elif what < 0.4:
            self.inside.discard(spelling)
            self.client.say(f"1{prefix}")
        else:
            name, data = self.chance.choice(("slow", "fast")), str(number).encode()
            is_binary = self.chance.random() < 0.2
            self.said[spelling][-1].append(data if is_binary else number)
            if is_binary:
                self.client.say(f'51-{prefix}["{name}",{{"_placeholder":true,"num":0}}]', data)
            else:
                self.client.say(f'2{prefix}["{name}",{number}]')

    def end(self) -> None:
        """All listeners are done."""
        while self.working:
            self.working.pop(0).callback(None)


@pytest.mark.parametrize("seed", range(100))
def test_however_it_comes_and_goes_each_socket_hears_what_was_said_to_it(make_house: MakeHouse, seed: int) -> None:
    walk = Walk(make_house(), Random(seed))
    for number in range(60):
        walk.step(number)
    walk.end()
    assert walk.client.open
    assert walk.heard == walk.said
    assert {socket.spelling for socket in walk.house.server.clients[0].sockets} == walk.inside
