"""A client that comes back to another server of its cluster than the one it was at."""

from __future__ import annotations

import pytest

from tests.support.several import Page, Several, back, lost
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster_words import Word
from yekta.socketio.errors import ConnectError
from yekta.socketio.recovery import Settings
from yekta.socketio.socket import Socket


def test_a_client_is_the_same_elsewhere_and_has_missed_nothing(several: Several) -> None:
    page = lost(several, "r")
    several["a"].server.emit("to all", 1)
    several["b"].server.to("r").emit("to a room")
    several["c"].server.to(page.sids[0]).emit("to one")
    several["c"].server.to("other").emit("to others")
    several["c"].server.emit("lossy")
    several["c"].server.sockets.volatile.emit("volatile")
    several.settle()
    back(several, page)
    assert sorted(said[0] for said in page.told) == ["hello", "lossy", "to a room", "to all", "to one"]
    socket = page.socket
    assert (socket.recovered, page.sids) == (True, [socket.id])
    assert (socket.rooms, socket.data) == (frozenset((socket.id, "r")), {"name": "sara"})
    several["c"].server.to(socket.id).emit("then")
    several.settle()
    assert page.read() == [["then"]]


def test_what_a_third_server_says_after_the_home_gave_a_session_away_is_heard(several: Several) -> None:
    page = lost(several)
    page.come_to(several["b"])
    several.wires.deliver("b", "a")
    several["c"].server.emit("meanwhile")
    several.wires.deliver("c", "b")
    several.settle()
    page.read()
    assert (page.told, len(page.sids)) == ([["hello"], ["meanwhile"]], 1)


def test_what_may_be_lost_and_is_said_while_a_session_is_on_its_way_is_lost(several: Several) -> None:
    page = lost(several)
    page.come_to(several["b"])
    several["b"].server.volatile.emit("volatile")
    several["b"].server.emit("meanwhile")
    several.settle()
    page.read()
    assert (page.told, len(page.sids)) == ([["hello"], ["meanwhile"]], 1)


def test_a_client_is_recovered_wherever_it_goes_from_there(several: Several) -> None:
    page = lost(several)
    for name in "bcabbcaa":
        back(several, page, name)
        page.cut()
        several["b"].server.to(page.sids[0]).emit("missed", name)
        several.settle()
    back(several, page)
    assert page.told == [["hello"], *(["missed", name] for name in "bcabbcaa")]
    assert len(page.sids) == 1


def test_nobody_looks_for_the_session_of_one_who_is_refused_first(several: Several) -> None:
    welcome, asked = [False, True, True], []

    def authenticate(socket: Socket) -> None:
        asked.append(socket.recovered)
        if not welcome.pop(0):
            raise ConnectError("no")

    several["b"].server.use(authenticate, always=True, first=True)
    page = lost(several)
    page.come_to(several["b"])
    assert page.errors == ['4{"message":"no"}'], "at once"
    assert not any(several.wires.lines.values()), "and none of the others is asked"
    several["c"].server.emit("missed")
    several.settle()
    assert back(several, page).told == [["hello"], ["missed"]]
    assert (asked, page.sids) == ([False, False, True], [page.socket.id])


def test_a_client_that_has_heard_nothing_yet_is_recovered_elsewhere_too(several: Several) -> None:
    page = Page(several["a"])
    page.cut()
    several["a"].server.emit("missed")
    several.settle()
    assert back(several, page).told == [["missed"]]
    assert len(page.sids) == 1


def test_what_it_missed_has_attachments_and_is_as_worth_compressing(several: Several) -> None:
    page = lost(several)
    several["a"].server.compress(False).to(page.sids[0]).emit("missed", b"\x01")
    several["a"].server.to(page.sids[0]).emit("missed")
    page.come_to(several["b"], listen=False)
    several.settle()
    transport = page.browser.transport
    assert [(each.compress, b"\x01" in each.packets) for each in transport.prepared] == [(False, True), (True, False)]


def test_what_was_lost_on_its_way_is_told_again(several: Several) -> None:
    page = Page(several["a"])
    for number in range(4):
        page.socket.emit("n", number)
    page.cut(read=2)
    assert back(several, page).told == [["n", number] for number in range(4)]


def test_a_connection_that_seems_to_be_alive_is_given_up(several: Several) -> None:
    page = Page(several["a"])
    page.socket.emit("hello")
    page.read()
    old = page.browser
    back(several, page)
    assert (old.open, page.socket.recovered) == (False, True)


def test_who_is_known_nowhere_begins_anew_before_all_have_heard_as_much(several: Several) -> None:
    page = lost(several)
    several["c"].server.emit("news")
    several.wires.deliver("c", "b")
    page.pid = "unknown"
    page.come_to(several["b"])
    for one, other in (("b", "a"), ("b", "c"), ("a", "b"), ("c", "b")):
        several.wires.deliver(one, other)
    assert several.wires.lines["c", "a"], "not heard yet"
    page.read()
    assert len(page.sids) == 2


def test_a_session_goes_to_one_of_two_who_ask_for_it(several: Several) -> None:
    page = lost(several)
    twin = page.twin()
    page.come_to(several["b"])
    twin.come_to(several["c"])
    several.settle()
    page.read()
    twin.read()
    assert sorted((len(page.sids), len(twin.sids))) == [1, 2]


def test_who_is_gone_again_before_its_session_comes_finds_it_there(several: Several) -> None:
    page = lost(several)
    several["a"].server.emit("missed")
    page.come_to(several["b"])
    page.cut()
    several.settle()
    assert several["b"].server.sockets.adapter.awaits
    assert back(several, page, "c").told == [["hello"], ["missed"]]


@pytest.mark.parametrize("pid", ["unknown", "", "é"])
def test_a_pid_that_nobody_knows_begins_anew(several: Several, pid: str) -> None:
    page = lost(several)
    page.pid = pid
    assert len(back(several, page).sids) == 2


def test_nobody_is_asked_where_nobody_else_is() -> None:
    several = Several("ab")
    page = lost(several)
    several.wires.cut("a", "b")
    page.come_to(several["b"])
    page.read()
    assert len(page.sids) == 2
    several.advance(200)
    several.close()


def test_nobody_is_asked_where_recovery_is_off() -> None:
    several = Several("ab", recovery=None)
    browser = several["a"].browser({"user-agent": "Mozilla/5.0"})
    browser.say('0{"pid":"x"}')
    assert len(browser.heard()) == 1
    several["b"].browser({"user-agent": "Mozilla/5.0"}).say('0{"pid":"x"}')
    assert not any(several.wires.lines.values())
    # What was missed is of no interest.
    several["a"].server.emit("said")
    several.wires.cut("a", "b")
    several.wires.join("a", "b")
    several.settle()
    assert several.clusters["b"].others == ("a",)
    # One that asks all the same is told.
    several.wires.ends["a"].send("b", Word(words.TAKE, "/", {"requestId": 1, "pid": "x", "heard": {}}))
    several.settle()
    several.close()


def test_who_missed_more_than_is_kept_of_one_begins_anew() -> None:
    several = Several("ab", recovery=Settings(max_bytes_alone=4000))
    page = lost(several)
    for _ in range(3):
        several["a"].server.emit("missed", "x" * 1000)
    several.settle()
    assert [len(said) for said in back(several, page).told[1:]] == [2, 2, 2]
    page.cut()
    for _ in range(4):
        several["a"].server.emit("missed", "x" * 1000)
    several.settle()
    assert len(back(several, page, "a").sids) == 2
    several.advance(200)
    several.close()


def test_what_is_heard_on_the_way_counts_too() -> None:
    several = Several("ab", recovery=Settings(max_bytes_alone=4000))
    page = lost(several)
    page.come_to(several["b"])
    for _ in range(4):
        several["b"].server.emit("missed", "x" * 1000)
    several.settle()
    page.read()
    assert len(page.sids) == 2
    several.advance(200)
    several.close()


def test_a_session_whose_data_cannot_be_said_begins_anew(several: Several) -> None:
    page = Page(several["a"])
    page.socket.data["thing"] = object()
    page.cut()
    assert len(back(several, page).sids) == 2
    assert not several["a"].server.sockets.adapter.awaits
