"""Clients that missed as much as may wait for a client, or more: none is cut for it again and again, or told less."""

from __future__ import annotations

import json

import pytest

from tests.support.socketio import House, MakeHouse
from yekta.engineio.connection import TRANSPORT_CLOSE
from yekta.engineio.settings import Settings as EngineSettings
from yekta.socketio.recovery import Settings

LONG_NAME = "/" + "n" * 255


def lost(house: House, *names: str) -> list[str]:
    """A client that has joined all of the namespaces is lost: its pids."""
    poller = house.poller()
    pids = []
    for name in names:
        house.of(name)
        pids.append(str(poller.connect(name, {"recover": True}).pid))
    poller.connection.fail(TRANSPORT_CLOSE, "cut")
    return pids


def connect(name: str, pid: str) -> str:
    """What a client says that comes back."""
    return f"0{name},{json.dumps({'pid': pid})}"


@pytest.mark.parametrize(("name", "count", "size"), [("/", 1, 1_048_500), (LONG_NAME, 8_000, 50)])
def test_nobody_is_cut_for_all_that_it_missed(make_house: MakeHouse, name: str, count: int, size: int) -> None:
    house = make_house(recovery=Settings())
    (pid,) = lost(house, name)
    for _ in range(count):
        house.of(name).emit("news", "x" * size)
    poller = house.poller()
    poller.say(connect(name, pid))
    assert poller.open
    (socket,) = house.of(name).sockets.values()
    assert not socket.recovered


def test_what_was_missed_in_all_namespaces_is_counted_together(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings())
    names = ["/a", "/b", "/c"]
    pids = lost(house, *names)
    for name, size in zip(names, (600_000, 600_000, 100_000), strict=True):
        house.of(name).emit("news", "x" * size)
    poller = house.poller()
    poller.say(*map(connect, names, pids))
    assert poller.open
    assert [socket.recovered for name in names for socket in house.of(name).sockets.values()] == [True, False, True]
    assert [str(message)[:10] for message in poller.heard() if str(message)[0] == "2"] == ['2/a,["news', '2/c,["news']


@pytest.mark.parametrize("waiting", [850, 990], ids=["before the first event", "before CONNECT"])
def test_who_is_cut_for_what_waits_already_has_missed_it_still(make_house: MakeHouse, waiting: int) -> None:
    house: House = make_house(recovery=Settings(), engine=EngineSettings(max_queued=1_000))
    (pid,) = lost(house, "/a")
    house.of("/a").emit("news", "x" * 100)
    poller = house.poller()
    poller.connect().emit("x" * waiting)
    poller.say(connect("/a", pid))
    assert not poller.open
    poller = house.poller()
    poller.say(connect("/a", pid))
    welcome, news = poller.heard()
    assert json.loads(str(welcome)[4:])["pid"] == pid
    assert json.loads(str(news)[4:])[:2] == ["news", "x" * 100]
