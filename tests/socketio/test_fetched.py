"""What `fetch_sockets` finds can be spoken to, wherever it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.socketio.adapter_suite import outcome
from tests.support.guests import Guest
from tests.support.several import Several
from yekta.socketio.cluster_adapter import PATIENCE
from yekta.socketio.errors import AckTimeout, Disconnected
from yekta.socketio.fetched import FetchedSocket
from yekta.socketio.socket import Socket


def fetched(several: Several, socket: Socket, *, namespace: str = "/") -> FetchedSocket:
    """As the server ``a`` finds ``socket``, wherever it is."""
    done = several["a"].of(namespace).in_(socket.id).fetch_sockets()
    several.settle()
    (found,) = outcome(done)
    assert isinstance(found, FetchedSocket)
    return found


HERE_OR_THERE = pytest.mark.parametrize("where", [0, 1], ids=["here", "at another server"])


@HERE_OR_THERE
def test_it_alone_is_told(several: Several, guests: list[Guest], where: int) -> None:
    fetched(several, guests[where].socket).emit("news", 1)
    several.settle()
    assert [guest.told() for guest in guests] == [['2["news",1]'] if each == where else [] for each in range(3)]


@HERE_OR_THERE
def test_it_joins_leaves_and_is_disconnected(several: Several, guests: list[Guest], where: int) -> None:
    socket = guests[where].socket
    found = fetched(several, socket)
    found.join("x", "y")
    found.leave("r")
    several.settle()
    assert socket.rooms == {socket.id, "x", "y"}
    # A copy, as it was.
    assert found.rooms == {socket.id, "r"}
    found.disconnect()
    several.settle()
    assert [guest.socket.connected for guest in guests] == [each != where for each in range(3)]
    assert guests[where].browser.open


def test_its_connection_can_be_closed(several: Several, guests: list[Guest]) -> None:
    fetched(several, guests[1].socket).disconnect(close=True)
    several.settle()
    assert [guest.browser.open for guest in guests] == [True, False, True]


@HERE_OR_THERE
def test_it_answers_with_one_value(several: Several, guests: list[Guest], where: int) -> None:
    done = fetched(several, guests[where].socket).emit_with_ack("q", 1)
    several.settle()
    (asked,) = guests[where].told()
    guests[where].browser.say(f'3{asked[1:asked.index("[")]}["here"]')
    several.settle()
    assert outcome(done) == "here"


@pytest.mark.parametrize("how", ["a flag", "an argument"])
def test_it_may_be_too_late(several: Several, guests: list[Guest], how: str) -> None:
    found = fetched(several, guests[1].socket)
    done = found.timeout(2).emit_with_ack("q") if how == "a flag" else found.emit_with_ack("q", timeout=2)
    several.settle()
    several.advance(1.9)
    assert not done.called
    several.advance(0.2)
    assert isinstance(outcome(done), AckTimeout)


def test_one_that_has_left_is_told_nothing_and_answers_nothing(several: Several, guests: list[Guest]) -> None:
    found = fetched(several, guests[1].socket)
    guests[1].socket.disconnect()
    found.emit("news")
    done = found.timeout(2).emit_with_ack("q")
    several.settle()
    assert isinstance(outcome(done), Disconnected)


def test_it_is_found_in_its_own_namespace(several: Several) -> None:
    for name in "ab":
        several[name].of("/x")
    browser = several["b"].browser()
    socket = browser.connect("/x")
    fetched(several, socket, namespace="/x").emit("news", 1)
    several.settle()
    assert browser.heard() == ['2/x,["news",1]']


def test_those_that_are_told_of_in_time_can_be_spoken_to(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.fetch_sockets()
    several.advance(PATIENCE)
    error: Any = outcome(done)
    assert isinstance(error, AckTimeout)
    (found,) = error.responses
    found.emit("news")
    assert guests[0].told() == ['2["news"]']


def test_what_it_was_found_by_is_not_shown(several: Several, guests: list[Guest]) -> None:
    assert "itself" not in repr(fetched(several, guests[0].socket))
