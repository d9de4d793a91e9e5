"""Recovery that is interrupted, repeated, bounded, and over real transports."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred

from tests.support.library import JAVASCRIPT as BROWSER
from tests.support.library import KINDS, Client, Library
from tests.support.recovery import JAVASCRIPT, come_back, missed, visit
from tests.support.socketio import House, MakeHouse
from yekta.socketio.adapter import InMemoryAdapter
from yekta.socketio.packet import decode_text
from yekta.socketio.recovery import History, Settings
from yekta.socketio.socket import Socket


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house(recovery=Settings())


def history(house: House, namespace: str = "/") -> History:
    adapter = house.of(namespace).adapter
    assert isinstance(adapter, InMemoryAdapter)
    assert adapter.history is not None
    return adapter.history


# -- once more -----------------------------------------------------------------------------------------------


def test_what_was_lost_on_the_way_of_a_recovery_is_sent_again(house: House) -> None:
    house.server.emit("before anybody was there")
    client = visit(house).cut()
    house.server.emit("missed")
    assert missed(come_back(house, client).cut()) == ["missed"]
    # The client never saw it: it shows no offset now either.
    assert missed(come_back(house, client)) == ["missed"]


def test_a_quiet_session_outlives_the_trimming_after_a_recovery_too(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(max_events=5))
    client = visit(house)
    house.server.emit("seen")
    offset = client.read()[-1][-1]
    for _ in range(3):
        for number in range(10):
            house.server.to("elsewhere").emit("nothing for you", number)
        client = come_back(house, client.cut(), offset=offset)
        assert client.socket.recovered
        assert missed(client) == []


def test_what_was_trimmed_of_other_rooms_keeps_nobody_from_coming_back(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(max_events=5))
    client = visit(house).cut()
    for number in range(10):
        house.server.to("elsewhere").emit("nothing for you", number)
    house.server.to(client.socket.id).emit("for you")
    assert missed(come_back(house, client)) == ["for you"]


def test_what_was_trimmed_of_ones_own_room_does(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(max_events=5))
    client = visit(house).cut()
    house.server.to(client.socket.id).emit("for you")
    for number in range(10):
        house.server.to(f"elsewhere {number}").emit("nothing for you", number)
    assert not come_back(house, client).socket.recovered


def test_an_offset_of_an_earlier_session_brings_nothing_from_before_this_one(house: House) -> None:
    first = visit(house)
    house.server.emit("seen")
    offset = first.read()[-1][-1]
    first.browser.say("1")
    house.server.emit("while nobody was there")
    second = visit(house)
    house.server.emit("lost on the way")
    second.cut()
    house.server.emit("missed")
    assert missed(come_back(house, second, offset=offset)) == ["lost on the way", "missed"]


def test_what_a_room_was_told_before_the_client_was_in_it_is_not_replayed(house: House) -> None:
    client = visit(house)
    house.server.to("kitchen").emit("before")
    client.socket.join("kitchen")
    client.cut()
    house.server.to("kitchen").emit("after")
    assert missed(come_back(house, client)) == ["after"]


def test_many_losses_in_a_row_lose_and_repeat_nothing(house: House) -> None:
    client, told, offset = visit(house), [], None
    for number in range(20):
        house.server.emit("event", number)
        heard = client.read() if number % 3 else []
        offset = heard[-1][-1] if heard else offset
        told += [args[1] for args in heard]
        client = come_back(house, client.cut(), offset=offset)
        assert client.socket.recovered
        events = [json.loads(str(message)[1:]) for message in client.raw[1:]]
        told += [args[1] for args in events]
        offset = events[-1][-1] if events else offset
    assert told == list(range(20))


def test_a_client_that_is_lost_while_its_recovery_is_considered_may_come_back(house: House) -> None:
    thinking: list[Deferred[None]] = []

    async def think(socket: Socket) -> None:
        thinking.append(Deferred())
        await thinking[-1]

    client = visit(house)
    client.socket.join("kitchen")
    house.server.use(think, always=True)
    client.cut()
    browser = house.browser(JAVASCRIPT)
    browser.say(f'0{{"pid":"{client.pid}"}}')
    browser.cut()
    browser = house.browser(JAVASCRIPT)
    browser.say(f'0{{"pid":"{client.pid}"}}')
    thinking[-1].callback(None)
    (socket,) = house.server.sockets.sockets.values()
    assert socket.recovered
    assert socket.rooms == {client.sid, "kitchen"}


def test_it_works_in_each_namespace_for_itself(house: House) -> None:
    house.of("/chat")
    browser = house.browser(JAVASCRIPT)
    browser.say("0", "0/chat,")
    pids = [decode_text(str(message))[0].data["pid"] for message in browser.heard()]
    browser.cut()
    house.of("/chat").emit("in chat")
    browser = house.browser(JAVASCRIPT)
    browser.say(f'0{{"pid":"{pids[0]}"}}', f'0/chat,{{"pid":"{pids[1]}"}}')
    main, chat, event = (str(message) for message in browser.heard())
    assert (main[:2], chat[:8], event[:17]) == ("0{", '0/chat,{', '2/chat,["in chat"')
    assert all(socket.recovered for name in ("/", "/chat") for socket in house.of(name).sockets.values())


def test_a_pid_of_another_namespace_is_unknown(house: House) -> None:
    house.of("/chat")
    client = visit(house).cut()
    browser = house.browser(JAVASCRIPT)
    browser.say(f'0/chat,{{"pid":"{client.pid}"}}')
    (socket,) = house.of("/chat").sockets.values()
    assert not socket.recovered


def test_a_client_of_msgpack_is_told_in_msgpack(house: House) -> None:
    def connect(**auth: Any) -> list[Any]:
        browser = house.browser(JAVASCRIPT)
        browser.say(msgspec.msgpack.encode({"type": 0, "nsp": "/", "data": auth}))
        heard = [msgspec.msgpack.decode(message) for message in browser.heard() if isinstance(message, bytes)]
        browser.cut()
        return heard

    (welcome,) = connect()
    house.server.emit("news", b"\x01")
    again, event = connect(pid=welcome["data"]["pid"])
    assert event["data"][:2] == ["news", b"\x01"]
    assert again["data"] == welcome["data"]


# -- bounds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "recovered"), [(5, True), (6, False)])
def test_exactly_so_many_events_are_kept(make_house: MakeHouse, count: int, recovered: bool) -> None:
    house = make_house(recovery=Settings(max_events=5))
    client = visit(house).cut()
    for number in range(count):
        house.server.emit("event", number)
    assert len(history(house)._events) == 5
    assert come_back(house, client).socket.recovered is recovered


@pytest.mark.parametrize(("count", "recovered"), [(3, True), (4, False)])
def test_exactly_so_many_sessions_are_kept_the_oldest_going_first(
    make_house: MakeHouse, count: int, recovered: bool
) -> None:
    house = make_house(recovery=Settings(max_sessions=3))
    clients = [visit(house).cut() for _ in range(count)]
    assert len(history(house)._sessions) == 3
    assert come_back(house, clients[-1]).socket.recovered
    assert come_back(house, clients[0]).socket.recovered is recovered


def test_events_are_forgotten_after_max_disconnection(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(max_disconnection=10.0))
    visit(house)
    for number in range(100):
        house.server.emit("event", number)
    assert len(history(house)._events) == 100
    house.clock.advance(10.1)
    house.server.emit("event", 100)
    assert len(history(house)._events) == 1


def test_nothing_is_kept_where_nobody_could_come_back(house: House) -> None:
    house.browser().connect()
    house.server.emit("event")
    assert len(history(house)._events) == 0
    client = visit(house)
    house.server.emit("event")
    assert len(history(house)._events) == 1
    client.cut()
    house.server.emit("event")
    assert len(history(house)._events) == 2
    assert come_back(house, client).socket.recovered


def test_nothing_is_left_of_those_that_never_came_back(house: House) -> None:
    for number in range(100):
        visit(house).cut()
        house.server.emit("event", number)
    house.clock.advance(121)
    visit(house).cut()
    assert len(history(house)._sessions) == 1
    assert len(history(house)._events) == 0
    house.assert_empty()


# -- over real transports ------------------------------------------------------------------------------------


def welcome_of(client: Client) -> dict[str, Any]:
    (welcome,) = (data for data in client.read() if isinstance(data, dict))
    return welcome


@pytest.mark.parametrize("before", KINDS)
@pytest.mark.parametrize("after", KINDS)
def test_a_client_may_come_back_over_any_transport(before: str, after: str) -> None:
    library = Library(recovery=Settings())
    client = library.joined(before, headers=BROWSER)
    welcome = welcome_of(client)
    library.server.emit("seen")
    offset = client.read()[0][-1]
    client.cut()
    assert not client.open
    library.server.emit("missed", b"\xfe")
    back = library.joined(after, {"pid": welcome["pid"], "offset": offset}, headers=BROWSER)
    answer, event, attachment = back.heard()
    assert str(event).startswith('51-["missed",{"_placeholder":true,"num":0},"')
    assert attachment == b"\xfe"
    assert json.loads(str(answer)[1:]) == welcome
    library.end()


def test_a_client_that_fell_silent_may_come_back() -> None:
    library = Library(recovery=Settings(), ping_interval=1.0, ping_timeout=1.0)
    client = library.joined(headers=BROWSER)
    welcome = welcome_of(client)
    library.clock.advance(1.0)
    library.clock.advance(1.1)
    assert not client.open
    back = library.joined(auth={"pid": welcome["pid"]}, headers=BROWSER)
    assert welcome_of(back) == welcome
    library.end()


def test_clients_of_socket_io_2_know_nothing_of_it() -> None:
    library = Library(recovery=Settings(), allow_eio3=True)
    client = library.client(headers=BROWSER, protocol=3)
    library.server.emit("news")
    assert client.heard() == ["0", '2["news"]']
    library.end()


def test_a_client_that_a_draining_server_sends_away_may_come_back() -> None:
    library = Library(recovery=Settings())
    client = library.joined(headers=BROWSER)
    welcome = welcome_of(client)
    done = library.server.drain(5.0, lambda: 0.5)
    library.clock.advance(2.5)
    assert not client.open
    library.server.emit("missed")
    back = library.joined(auth={"pid": welcome["pid"]}, headers=BROWSER)
    again, event = back.read()
    assert (again, event[0]) == (welcome, "missed")
    library.clock.advance(2.5)
    assert done.called
    assert not back.open
    library.end()
