"""A client that is cut again while it is told what it missed: nothing is told twice, nothing is left out."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.support.recovery import come_back, visit
from tests.support.socketio import House, MakeHouse
from yekta.engineio.packet import Packet
from yekta.socketio.packet import decode_text
from yekta.socketio.recovery import Settings


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house(recovery=Settings())


class Page:
    """What socket.io-client 4 makes of what it hears: an event that comes before CONNECT waits for one, over as many
    connections as that takes, and moves the offset not before it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.offset: str | None = None
        self._welcome = False
        self._waiting: list[Packet] = []

    def hear(self, heard: Iterable[Packet]) -> None:
        """All that one connection brought."""
        self._welcome = False
        for message in heard:
            if str(message)[0] == "0":
                self._welcome = True
                waiting, self._waiting = self._waiting, []
                for each in waiting:
                    self._tell(each)
            elif self._welcome:
                self._tell(message)
            else:
                self._waiting.append(message)

    def _tell(self, message: Packet) -> None:
        *said, self.offset = decode_text(str(message))[0].data
        self.told.append(said[0])


@pytest.mark.parametrize("arrived", range(4))
def test_who_is_cut_while_told_what_it_missed_is_told_each_once(house: House, arrived: int) -> None:
    client, page = visit(house), Page()
    page.hear(client.raw)
    client.cut()
    house.server.emit("to all")
    house.server.to(client.sid).emit("to one")
    client = come_back(house, client, offset=page.offset)
    page.hear(client.raw[:arrived])
    client.cut()
    house.server.emit("later")
    page.hear(come_back(house, client, offset=page.offset).raw)
    assert page.told == ["to all", "to one", "later"]
