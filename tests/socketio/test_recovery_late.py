"""A session that is asked for late, for the word was held up: its client may be back at its home by then."""

from __future__ import annotations

import pytest

from tests.support.several import Page, Several, lost
from yekta.socketio import cluster_words as words
from yekta.socketio import doubts, incoming_session, moving
from yekta.socketio.cluster_words import Word


def back_at_home(several: Several) -> Page:
    """A client that was at ``b`` for a moment, and is at ``a`` again; what ``b`` asks is still on its way."""
    page = lost(several)
    page.come_to(several["b"])
    page.cut()
    page.come_to(several["a"])
    assert several.wires.lines["b", "a"], "held up"
    return page


def is_as_before(several: Several, page: Page) -> None:
    """It has its connection and its session, and hears everything once."""
    several["c"].server.emit("then")
    several.settle()
    page.read()
    assert page.connected
    assert (page.told, len(page.sids)) == ([["hello"], ["then"]], 1)
    assert not any(several[name].server.sockets.adapter.awaits for name in "abc")


@pytest.mark.parametrize("seconds", [0, incoming_session.PATIENCE])
def test_who_is_back_at_its_home_stays_there(several: Several, seconds: float) -> None:
    page = back_at_home(several)
    several["b"].clock.advance(seconds)
    several.settle()
    is_as_before(several, page)


def test_who_comes_back_to_its_home_while_that_asks_stays_there(several: Several) -> None:
    page = Page(several["a"])
    page.socket.emit("hello")
    page.read()
    old = page.browser
    assert old is not None
    page.come_to(several["b"])
    several.wires.deliver("b", "a")
    several.wires.deliver("a", "b")
    # It is wanted still; and then not any more.
    page.cut()
    page.come_to(several["a"])
    assert not old.open
    several.settle()
    is_as_before(several, page)


def test_a_home_that_is_told_too_late_that_it_is_wanted_still_gives_nobody_up(several: Several) -> None:
    page = Page(several["a"])
    old = page.browser
    assert old is not None
    page.come_to(several["b"])
    several.wires.deliver("b", "a")
    several["a"].clock.advance(doubts.PATIENCE)
    several.wires.deliver("a", "b")
    several.wires.deliver("b", "a")
    assert old.open
    # It asks once more, and is told in time.
    several.settle()
    page.read()
    assert (old.open, len(page.sids)) == (False, 1)


def test_so_many_are_doubted_at_a_time(several: Several) -> None:
    page = Page(several["a"])
    for number in range(moving.MOST + 1):
        word = Word(words.TAKE, "/", {"requestId": number, "pid": page.pid, "offset": None, "heard": {}})
        several.wires.ends["b"].send("a", word)
    while several.wires.lines["b", "a"]:
        several.wires.deliver("b", "a")
    replies = [words.decode(text).data for text in several.wires.lines["a", "b"]]
    assert replies == [
        *({"requestId": number, "here": True} for number in range(moving.MOST)),
        {"requestId": moving.MOST},
    ]
    # Nor is that one heard when it asks again.
    several.wires.ends["b"].send("a", word)
    several.wires.deliver("b", "a")
    assert page.connected


def test_nobody_is_doubted_any_more_when_a_server_closes(several: Several) -> None:
    page = Page(several["a"])
    page.come_to(several["b"])
    several.wires.deliver("b", "a")
    several["a"].close()
    assert several["a"].clock.getDelayedCalls() == []
    several.end("a")
    page.read()
    assert len(page.sids) == 2


def test_who_comes_back_to_its_home_before_that_has_heard_enough_stays_there(several: Several) -> None:
    page = lost(several)
    several["c"].server.emit("news")
    several.wires.deliver("c", "b")
    twin = page.twin()
    twin.come_to(several["b"])
    several.wires.deliver("b", "a")
    page.come_to(several["a"])
    several.settle()
    page.read()
    twin.read()
    assert (len(page.sids), len(twin.sids)) == (1, 2)
