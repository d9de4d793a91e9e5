"""A client that comes back to another server: where it cannot be told what it missed, and what is too much."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from tests.support.several import Page, Several, back, lost
from yekta.socketio import cluster_words as words
from yekta.socketio import incoming_session, moving, outgoing_session
from yekta.socketio.cluster_words import Word


def given_too_soon(several: Several) -> Page:
    """A client at ``b``, which has its session, but not yet what was heard at its home."""
    page = lost(several)
    several["c"].server.emit("said")
    several.wires.deliver("c", "a")
    page.come_to(several["b"])
    several.wires.deliver("b", "a")
    several.wires.deliver("a", "b")
    return page



def test_who_is_not_answered_in_time_begins_anew(several: Several) -> None:
    page = lost(several)
    page.come_to(several["b"])
    several["b"].clock.advance(incoming_session.PATIENCE - 0.01)
    page.read()
    assert not page.welcomed
    several["b"].clock.advance(0.01)
    page.read()
    assert len(page.sids) == 2
    # What comes too late is for nobody.
    several.settle()


def test_who_has_its_session_but_not_in_time_what_was_heard_at_its_home_begins_anew(several: Several) -> None:
    page = given_too_soon(several)
    several["b"].clock.advance(incoming_session.PATIENCE)
    # What its home had heard comes too late for it; only its client's new session is known here.
    several.settle()
    page.read()
    assert len(page.sids) == 2
    history: Any = several["b"].server.sockets.adapter.history
    assert len(history.alone) == 1


@pytest.mark.parametrize(
    "event", [None, [], [[], True], ["e", True], [[True], True], [["connect"], True], [["e"]], [["e"], True, 1]]
)
def test_a_home_that_gives_what_cannot_be_read_is_left(several: Several, event: object) -> None:
    is_left_for(several, {"missed": [event]})


@pytest.mark.parametrize(
    "changed", [{"alive": {"c": "1"}}, {"gone": {"c": True}}, {"gone": []}, {"rooms": [1]}, {"data": []}, {"sid": 1}]
)
def test_a_home_that_gives_a_session_that_cannot_be_read_is_left(several: Several, changed: dict[str, Any]) -> None:
    is_left_for(several, changed)


def is_left_for(several: Several, changed: dict[str, Any]) -> None:
    page = lost(several)
    page.come_to(several["b"])
    session = {"pid": page.pid, "sid": "s", "rooms": [], "data": {}, "alive": {}, "gone": {}, "missed": []}
    several.wires.ends["a"].send("b", Word(words.GIVEN, "/", {"requestId": 1, **session, **changed}))
    several.settle()
    assert several.wires.ends["b"].left == ["a"]
    page.read()
    assert len(page.sids) == 2


@pytest.mark.parametrize(("pid", "name"), [("another's", "a"), (None, "c")])
def test_one_that_gives_what_was_not_asked_of_it_is_left(several: Several, pid: str | None, name: str) -> None:
    page = lost(several)
    page.come_to(several["b"])
    several.wires.deliver("b", "c")
    several.wires.deliver("c", "b")
    session = {"pid": pid or page.pid, "sid": "s", "rooms": [], "data": {}, "missed": [], "alive": {}, "gone": {}}
    several.wires.ends[name].send("b", Word(words.GIVEN, "/", {"requestId": 1, **session}))
    several.wires.deliver(name, "b")
    assert several.wires.ends["b"].left == [name]
    page.read()
    assert len(page.sids) == 2


def test_one_that_asks_without_a_number_is_left_and_given_nothing(several: Several) -> None:
    page = lost(several)
    several.wires.ends["b"].send("a", Word(words.TAKE, "/", {"pid": page.pid, "heard": {}}))
    several.settle()
    assert several.wires.ends["a"].left == ["b"]
    assert several["a"].server.sockets.adapter.awaits


def test_what_cannot_be_read_again_is_given_to_nobody(several: Several) -> None:
    page = lost(several)
    several["a"].server.to(page.sids[0]).emit("missed", b"\x01", {"_placeholder": True, "num": 0})
    assert len(back(several, page).sids) == 2


def test_a_home_that_does_not_hear_as_much_in_time_keeps_it(several: Several) -> None:
    page = lost(several)
    several["c"].server.emit("said")
    several.wires.deliver("c", "b")
    page.come_to(several["b"])
    several.wires.deliver("b", "a")
    several["a"].clock.advance(outgoing_session.PATIENCE)
    assert several["a"].server.sockets.adapter.awaits
    for pair in ("ac", "bc", "cb", "ab"):
        while several.wires.lines[pair[0], pair[1]]:
            several.wires.deliver(*pair)
    page.read()
    assert len(page.sids) == 2
    # What is heard later changes nothing.
    several.settle()
    assert several["a"].server.sockets.adapter.awaits


@pytest.mark.parametrize("waits", [False, True])
def test_a_home_that_will_never_hear_as_much_keeps_it(several: Several, waits: bool) -> None:
    page = lost(several)
    several["c"].server.emit("said")
    several.wires.deliver("c", "b")
    if waits:
        page.come_to(several["b"])
        several.wires.deliver("b", "a")
    several.wires.cut("a", "c")
    if not waits:
        page.come_to(several["b"])
    several.settle()
    page.read()
    assert (page.welcomed, len(page.sids)) == (True, 2)
    assert several["a"].server.sockets.adapter.awaits


def test_a_home_that_waits_to_hear_as_much_and_closes_gives_nothing(several: Several) -> None:
    page = lost(several)
    several["c"].server.emit("said")
    several.wires.deliver("c", "b")
    page.come_to(several["b"])
    several.wires.deliver("b", "a")
    several.end("a")
    page.read()
    assert (page.welcomed, len(page.sids)) == (True, 2)


@pytest.mark.parametrize("change", ["goes", "comes"])
@pytest.mark.parametrize("given", [False, True])
def test_where_somebody_comes_or_goes_meanwhile_it_begins_anew(several: Several, change: str, given: bool) -> None:
    page = lost(several)
    page.come_to(several["b"])
    if given:
        several.wires.deliver("b", "a")
    if change == "goes":
        several.wires.cut("b", "c")
    else:
        several.begin("d")
        several.wires.deliver("d", "b")
    several.settle()
    page.read()
    assert len(page.sids) == 2


def test_where_somebody_comes_nobody_waits_for_what_has_not_been_heard_here(several: Several) -> None:
    page = given_too_soon(several)
    several.begin("d")
    page.read()
    assert not page.welcomed
    several.wires.deliver("d", "b")
    page.read()
    assert (page.welcomed, len(page.sids)) == (True, 2)


def test_where_its_home_has_heard_one_that_is_not_known_here_it_begins_anew(several: Several) -> None:
    page = lost(several)
    several.begin("d")
    for pair in ("da", "ad", "bd"):
        several.wires.deliver(*pair)
    several["d"].server.emit("said")
    while several.wires.lines["d", "a"]:
        several.wires.deliver("d", "a")
    page.come_to(several["b"])
    several.wires.deliver("b", "a")
    while several.wires.lines["a", "b"]:
        several.wires.deliver("a", "b")
    page.read()
    # Else it would be told what it missed there, and once more when that has come here too.
    several.settle()
    page.read()
    assert (page.told, len(page.sids)) == ([["said"]], 2)


def test_one_that_goes_without_having_said_hello_is_nobody_s_concern(several: Several) -> None:
    page = lost(several)
    several.begin("d")
    several.wires.lines["d", "b"].clear()
    several.wires.cut("a", "d")
    several.wires.cut("c", "d")
    page.come_to(several["b"])
    several.wires.cut("b", "d")
    several.settle()
    page.read()
    assert len(page.sids) == 1


def test_who_was_lost_when_a_server_was_away_and_said_something_begins_anew(several: Several) -> None:
    page = lost(several)
    several.wires.cut("a", "c")
    several["c"].server.emit("said")
    with capturedLogs() as lines:
        several.wires.join("a", "c")
        several.settle()
    assert [formatEvent(line) for line in lines] == ["broadcasts of another server were missed"]
    assert len(back(several, page).sids) == 2


def test_one_that_was_away_and_said_nothing_is_missed_by_nobody(several: Several) -> None:
    page = lost(several)
    several.wires.cut("a", "c")
    several.wires.join("a", "c")
    several.settle()
    assert len(back(several, page).sids) == 1


def test_what_a_server_said_before_it_went_is_not_told_twice(several: Several) -> None:
    page = lost(several)
    several["c"].server.emit("last words")
    several.wires.deliver("c", "a")
    several.wires.cut("a", "c")
    # Here it is heard later than there.
    page.come_to(several["b"])
    several.settle()
    page.read()
    assert (page.told, len(page.sids)) == ([["hello"], ["last words"]], 1)


# -- bounds --------------------------------------------------------------------------------------------------


def test_so_many_are_asked_for_at_a_time(several: Several) -> None:
    pages = [lost(several) for _ in range(moving.MOST + 1)]
    for page in pages:
        page.come_to(several["b"])
    several.settle()
    for page in pages:
        page.read()
    assert all(page.welcomed for page in pages)
    assert [len(page.sids) for page in pages] == [1] * moving.MOST + [2]


def test_so_many_leave_at_a_time() -> None:
    several = Several("abcd")
    pages = [lost(several) for _ in range(moving.MOST + 1)]
    several["c"].server.emit("said")
    several.wires.deliver("c", "b")
    # As a has not heard it yet, none leaves.
    for page in pages[1:]:
        page.come_to(several["b"])
        several.wires.deliver("b", "a")
    pages[0].come_to(several["d"])
    several.wires.deliver("d", "a")
    several.settle()
    for page in pages:
        page.read()
    assert all(page.welcomed for page in pages)
    assert [len(page.sids) for page in pages] == [2] + [1] * moving.MOST
    several.advance(200)
    several.close()


def test_who_waits_while_more_is_said_than_can_be_kept_begins_anew(several: Several) -> None:
    page = lost(several)
    page.come_to(several["b"])
    for number in range(incoming_session.MOST_HEARD + 1):
        several["b"].server.emit("n", number)
    page.read()
    assert len(page.sids) == 2


def test_one_that_waits_when_its_server_closes_is_given_up(several: Several, logged: list[Failure]) -> None:
    page = lost(several)
    page.come_to(several["b"])
    adapter: Any = several["b"].server.sockets.adapter
    several["b"].close()
    assert several["b"].clock.getDelayedCalls() == []
    assert adapter.awaits is False
