"""What a client gets back that lost its connection (reference: connection state recovery, 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.recovery import JAVASCRIPT, Lost, come_back, missed, visit
from tests.support.socketio import House, MakeHouse
from yekta.socketio.errors import ConnectError
from yekta.socketio.reasons import RECOVERABLE
from yekta.socketio.recovery import Settings
from yekta.socketio.socket import Socket


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house(recovery=Settings())


# -- 4.1: as in Node -----------------------------------------------------------------------------------------


def test_it_is_off_unless_switched_on(make_house: MakeHouse) -> None:
    house = make_house()
    browser = house.browser(JAVASCRIPT)
    socket = browser.connect()
    house.server.emit("news", 1)
    assert browser.heard() == ['2["news",1]']
    assert socket.pid is None


def test_the_defaults_are_node_s() -> None:
    assert (Settings().max_disconnection, Settings().skip_middlewares) == (120.0, True)


def test_connect_is_answered_with_a_private_pid(house: House) -> None:
    first, second = visit(house), visit(house)
    assert first.welcome.keys() == {"sid", "pid"}
    assert len(first.pid) == 20
    assert len({first.pid, second.pid, first.sid, second.sid}) == 4


def test_each_event_gets_an_offset_as_its_last_argument(house: House) -> None:
    client = visit(house)
    house.server.emit("news", 1)
    client.socket.emit("for you")
    house.server.to(client.sid).emit("bytes", b"\x01")
    (*news, one), (*yours, two), (*_, placeholder, three) = client.read()
    assert (news, yours, placeholder) == (["news", 1], ["for you"], {"_placeholder": True, "num": 0})
    assert len({one, two, three}) == 3
    assert all(isinstance(offset, str) for offset in (one, two, three))


def test_an_event_that_asks_for_an_answer_gets_no_offset(house: House) -> None:
    client = visit(house)
    client.socket.emit_with_ack("question", 1).addErrback(lambda _: None)
    house.server.timeout(1).emit_with_ack("to all").addErrback(lambda _: None)
    assert client.read() == [["question", 1], ["to all"]]
    house.clock.advance(1)


def test_what_was_missed_comes_after_connect_on_the_wire(house: House) -> None:
    client = visit(house).cut()
    house.server.emit("first", 1)
    house.server.emit("second", b"\x02")
    welcome, first, second, attachment = come_back(house, client).raw
    assert str(first).startswith('2["first",1,"')
    assert str(second).startswith('51-["second",{"_placeholder":true,"num":0},"')
    assert attachment == b"\x02"
    assert str(welcome).startswith("0{")


def test_id_pid_rooms_and_data_are_restored(house: House) -> None:
    client = visit(house)
    client.socket.join("kitchen", "hall")
    client.socket.data["name"] = "Ada"
    client.cut()
    assert not house.server.sockets.sockets
    back = come_back(house, client)
    assert back.welcome == {"sid": client.sid, "pid": client.pid}
    assert set(back.socket.rooms) == {client.sid, "kitchen", "hall"}
    assert back.socket.data == {"name": "Ada"}
    assert back.socket is not client.socket


def test_connection_listeners_are_told_whether_a_socket_is_recovered(house: House) -> None:
    told: list[tuple[bool, set[str]]] = []
    house.server.on_connection(lambda socket: told.append((socket.recovered, set(socket.rooms) - {socket.id})))
    client = visit(house)
    client.socket.join("kitchen")
    come_back(house, client.cut())
    assert told == [(False, set()), (True, {"kitchen"})]


def test_middlewares_are_skipped_but_for_those_that_are_always_asked(house: House) -> None:
    asked: list[str] = []
    house.server.use(lambda socket: asked.append("ordinary"))
    house.server.use(lambda socket: asked.append("always"), always=True)
    client = visit(house).cut()
    assert asked == ["ordinary", "always"]
    come_back(house, client)
    assert asked[2:] == ["always"]
    visit(house)
    assert asked[3:] == ["ordinary", "always"], "a client that is not recovered meets all of them"


def test_middlewares_need_not_be_skipped(make_house: MakeHouse) -> None:
    house, asked = make_house(recovery=Settings(skip_middlewares=False)), []
    house.server.use(lambda socket: asked.append(socket.recovered))
    come_back(house, visit(house).cut())
    assert asked == [False, True]


@pytest.mark.parametrize(
    "auth", [{"pid": "unknown", "offset": "x"}, {"pid": "unknown"}, {"pid": 5, "offset": "x"}, {"pid": None}]
)
def test_failure_is_an_ordinary_connect_with_a_new_id_and_pid(house: House, auth: dict[str, Any]) -> None:
    client = visit(house, auth)
    assert not client.socket.recovered
    assert auth["pid"] != client.pid
    assert not missed(client)


def test_what_was_said_before_it_came_it_has_not_missed(house: House) -> None:
    visit(house)
    house.server.emit("before")
    client = visit(house)
    client.socket.emit("lost on the way")
    assert missed(come_back(house, client.cut())) == ["lost on the way"]


@pytest.mark.parametrize("known", [False, True])
def test_who_only_says_that_it_was_here_meets_all_middlewares(house: House, known: bool) -> None:
    client = visit(house).cut()

    def refuse(socket: Socket) -> None:
        raise ConnectError("no")

    house.server.use(refuse)
    browser = house.browser(JAVASCRIPT)
    browser.say(f'0{{"pid":"{client.pid if known else "unknown"}","offset":"not ours"}}')
    assert browser.heard() == ['4{"message":"no"}']


def test_without_recovery_there_is_no_session_to_be_asked_for(make_house: MakeHouse) -> None:
    house, asked = make_house(), []
    house.server.use(lambda socket: asked.append(socket.recovered), first=True)
    assert "pid" not in visit(house, {"pid": "x"}).welcome
    assert asked == [False], "once"


@pytest.mark.parametrize("offset", ["", "x", "-", "1", 5, [], {}, "other-1", "-1"])
def test_an_offset_that_is_not_ours_is_a_failure(house: House, offset: Any) -> None:
    client = visit(house).cut()
    assert not come_back(house, client, offset=offset).socket.recovered


@pytest.mark.parametrize("number", ["", "x", "²", "1" * 5_000])
def test_an_offset_that_begins_as_ours_do_is_a_failure(house: House, number: str) -> None:
    client = visit(house)
    house.server.emit("a")
    ((_, offset),) = client.read()
    client.cut()
    assert not come_back(house, client, offset=offset.rpartition("-")[0] + "-" + number).socket.recovered


def test_an_offset_of_the_future_is_a_failure(house: House) -> None:
    client = visit(house)
    house.server.emit("news")
    epoch = str(client.read()[0][-1]).rpartition("-")[0]
    client.cut()
    assert not come_back(house, client, offset=f"{epoch}-2").socket.recovered


@pytest.mark.parametrize("reason", sorted(RECOVERABLE))
def test_a_session_is_kept_after(house: House, reason: str) -> None:
    client = visit(house)
    client.browser.cut(reason)
    assert come_back(house, client).socket.recovered


def test_a_session_is_kept_of_who_joins_another_namespace_twice(house: House) -> None:
    # socket.io-client does, where it is disconnected and connects again before it knows that it is in.
    house.of("/chat")
    client = visit(house)
    client.browser.say("0/chat,", "0/chat,")
    assert not client.browser.open
    house.server.emit("missed")
    assert missed(come_back(house, client)) == ["missed"]


def test_a_session_is_kept_of_who_speaks_to_another_namespace_that_it_was_sent_off(house: House) -> None:
    house.of("/chat")
    client = visit(house)
    client.browser.connect("/chat").disconnect()
    client.browser.say('2/chat,["on its way"]')
    assert not client.browser.open
    house.server.emit("missed")
    assert missed(come_back(house, client)) == ["missed"]


def test_the_reasons_after_which_a_session_is_kept_are_node_s() -> None:
    assert len(RECOVERABLE) == 6


def leave(client: Lost) -> None:
    client.browser.say("1")


def disconnect(client: Lost) -> None:
    client.socket.disconnect()


def disconnect_and_close(client: Lost) -> None:
    client.socket.disconnect(close=True)


def disconnect_all(client: Lost) -> None:
    client.socket.namespace.disconnect_sockets()


def break_the_protocol(client: Lost) -> None:
    client.browser.say("9")
    assert not client.browser.open


@pytest.mark.parametrize("end", [leave, disconnect, disconnect_and_close, disconnect_all, break_the_protocol])
def test_a_session_is_not_kept_after(house: House, end: Callable[[Lost], None]) -> None:
    client = visit(house)
    end(client)
    client.cut()
    assert not come_back(house, client).socket.recovered


def test_only_what_concerned_the_client_is_replayed(house: House) -> None:
    client = visit(house)
    client.socket.join("kitchen")
    client.cut()
    server = house.server
    server.emit("to all")
    server.to("kitchen").emit("to the kitchen")
    server.to("hall").emit("to the hall")
    server.to("hall").to("kitchen").emit("to both")
    server.except_("kitchen").emit("to all but the kitchen")
    server.except_(client.sid).emit("to all but one")
    server.to(client.sid).emit("to one")
    server.volatile.emit("whoever hears it")
    visit(house).socket.broadcast.emit("from another")
    house.of("/other").emit("elsewhere")
    assert missed(come_back(house, client)) == ["to all", "to the kitchen", "to both", "to one", "from another"]


@pytest.mark.parametrize(("after", "recovered"), [(119.0, True), (121.0, False)])
def test_a_session_expires_after_max_disconnection(house: House, after: float, recovered: bool) -> None:
    client = visit(house).cut()
    house.clock.advance(after)
    assert come_back(house, client).socket.recovered is recovered
