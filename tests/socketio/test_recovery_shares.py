"""What recovery keeps is bounded in bytes, and nobody pushes out what others wait for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.socketio.test_recovery_bounds import history
from tests.support.recovery import JAVASCRIPT, come_back, missed, visit
from tests.support.socketio import House, MakeHouse
from yekta.socketio.errors import ConnectError
from yekta.socketio.kept import OVERHEAD
from yekta.socketio.recovery import Settings
from yekta.socketio.socket import Socket

TEXT = "x" * 1000


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house(recovery=Settings(max_bytes=100_000, max_bytes_alone=20_000))


def talk(socket: Socket, count: int) -> None:
    for number in range(count):
        socket.emit("reply", number, TEXT)


# -- bounds in bytes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [TEXT, TEXT.encode()], ids=["text", "an attachment"])
def test_what_is_said_to_many_is_bounded_in_bytes(house: House, data: object) -> None:
    visit(house)
    for _ in range(1000):
        house.server.emit("news", data)
    assert 90_000 < history(house).size <= 100_000


@pytest.mark.parametrize(("count", "recovered"), [(70, True), (90, False)])
def test_who_missed_more_than_is_kept_is_not_recovered(house: House, count: int, recovered: bool) -> None:
    client = visit(house).cut()
    for _ in range(count):
        house.server.emit("news", TEXT)
    assert come_back(house, client).socket.recovered is recovered


@pytest.mark.parametrize("value", [TEXT, TEXT.encode()], ids=["text", "bytes"])
def test_what_is_said_to_one_is_bounded_in_bytes(house: House, value: Any) -> None:
    client = visit(house)
    for _ in range(1000):
        client.socket.emit("reply", value)
    assert 15_000 < history(house).size <= 20_000


def test_an_event_larger_than_its_share_is_not_kept(house: House) -> None:
    client = visit(house)
    client.socket.emit("large", "x" * 20_000)
    assert history(house).size == 0
    assert not come_back(house, client.cut()).socket.recovered


def test_nothing_but_text_is_kept(house: House) -> None:
    client, lists = visit(house), [[] for _ in range(5000)]
    client.socket.emit("reply", lists)
    assert len('["reply",[]]') + 3 * 5000 <= history(house).size <= 3 * 5000 + OVERHEAD + 50
    client.cut()
    lists.clear()
    assert [len(event[1]) for event in come_back(house, client).replayed()] == [5000]


# -- to each its own -----------------------------------------------------------------------------------------


def test_the_replies_of_one_client_push_out_nothing_of_others(house: House) -> None:
    victim, other = visit(house), visit(house)
    victim.socket.emit("lost on the way")
    victim.cut()
    for number in range(3):
        house.server.to(victim.sid).emit("from an operator", number)
    talk(other.socket, 10_500)
    back = come_back(house, victim)
    assert back.socket.recovered
    assert missed(back) == ["lost on the way", *["from an operator"] * 3]


def test_they_push_out_its_own(house: House) -> None:
    client = visit(house)
    talk(client.socket, 100)
    assert not come_back(house, client.cut()).socket.recovered
    client = visit(house)
    talk(client.socket, 100)
    offset = client.read()[-1][-1]
    client.socket.emit("lost on the way")
    back = come_back(house, client.cut(), offset=offset)
    assert back.socket.recovered
    assert missed(back) == ["lost on the way"]


def test_both_kinds_come_back_in_the_order_in_which_they_were_said(house: House) -> None:
    client = visit(house)
    for number in range(5):
        client.socket.emit("to you", number)
        house.server.emit("to all", number)
    back = come_back(house, client.cut())
    assert missed(back) == ["to you", "to all"] * 5


def test_where_all_together_have_too_much_those_who_have_most_give_it_up(house: House) -> None:
    modest = visit(house)
    modest.socket.emit("missed")
    greedy = [visit(house) for _ in range(50)]
    for _ in range(20):
        for client in greedy:
            talk(client.socket, 1)
    assert history(house).size <= 100_000
    assert missed(come_back(house, modest.cut())) == ["missed"]
    assert not come_back(house, greedy[0].cut()).socket.recovered


def test_what_a_socket_is_told_alone_is_not_told_to_others_in_the_room_of_its_name(house: House) -> None:
    client, other = visit(house), visit(house)
    other.socket.join(client.sid)
    other.cut()
    client.socket.emit("to you")
    house.server.to(client.sid).emit("to the room")
    assert missed(come_back(house, other)) == ["to the room"]


def test_what_the_application_says_to_a_lost_socket_is_told_when_it_is_back(house: House) -> None:
    client = visit(house).cut()
    client.socket.emit("text")
    client.socket.emit("bytes", b"\x01")
    client.socket.compress(False).emit("plain")
    client.socket.volatile.emit("volatile")
    back = come_back(house, client)
    assert missed(back) == ["text", "bytes", "plain"]
    assert back.raw[3] == b"\x01"


def test_one_s_own_is_told_in_msgpack_too(house: House) -> None:
    def connect(**auth: Any) -> list[Any]:
        browser = house.browser(JAVASCRIPT)
        browser.say(msgspec.msgpack.encode({"type": 0, "nsp": "/", "data": auth}))
        heard = [msgspec.msgpack.decode(message) for message in browser.heard() if isinstance(message, bytes)]
        (socket,) = house.server.sockets.sockets.values()
        socket.emit("news", 1, b"\x01")
        browser.cut()
        return heard

    (welcome,) = connect()
    _, event = connect(pid=welcome["data"]["pid"])
    assert event["data"][:3] == ["news", 1, b"\x01"]


# -- what is gone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["x", {1: "x"}])
def test_the_share_of_who_left_for_good_goes(house: House, value: Any) -> None:
    client, _ = visit(house), visit(house)
    talk(client.socket, 5)
    client.browser.say("1")
    client.socket.emit("to nobody", value)
    assert history(house).size == 0
    assert client.sid not in history(house).alone


def test_the_share_of_who_never_came_back_goes(house: House) -> None:
    client = visit(house)
    talk(client.socket, 5)
    client.cut()
    house.clock.advance(121)
    visit(house).cut()
    assert history(house).size == 0
    assert client.sid not in history(house).alone


def test_the_share_of_who_is_waited_for_no_longer_goes(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(max_sessions=3))
    clients = [visit(house) for _ in range(4)]
    for client in clients:
        talk(client.socket, 1)
        client.cut()
    assert [client.sid in history(house).alone for client in clients] == [False, True, True, True]


def test_the_share_of_who_could_not_be_recovered_goes(house: House) -> None:
    client = visit(house)
    talk(client.socket, 5)
    assert not come_back(house, client.cut(), offset="other-1").socket.recovered
    assert history(house).size == 0


def test_the_share_of_who_was_refused_goes(house: House) -> None:
    client = visit(house)
    talk(client.socket, 5)
    client.cut()

    def refuse(socket: Socket) -> None:
        raise ConnectError("no")

    house.server.use(refuse, always=True)
    browser = house.browser(JAVASCRIPT)
    browser.say(f'0{{"pid":"{client.pid}"}}')
    assert browser.heard() == ['4{"message":"no"}']
    assert history(house).size == 0
    assert client.sid not in history(house).alone


def test_what_is_too_old_is_forgotten_of_those_who_are_quiet_too(house: House) -> None:
    quiet, other = visit(house), visit(house)
    talk(quiet.socket, 5)
    house.clock.advance(130)
    other.socket.emit("reply")
    assert history(house).size < 2 * OVERHEAD
    # It has heard all of it, so nothing is missing.
    offset = quiet.read()[-1][-1]
    quiet.socket.emit("lost on the way")
    assert missed(come_back(house, quiet.cut(), offset=offset)) == ["lost on the way"]


def test_what_is_too_old_is_forgotten_of_who_was_spoken_to_before_one_that_still_is(house: House) -> None:
    first, other = visit(house), visit(house)
    talk(first.socket, 1)
    talk(other.socket, 1)
    house.clock.advance(100)
    talk(first.socket, 1)
    house.clock.advance(30)
    house.server.emit("news")
    assert len(history(house).alone.events(first.sid)) == 2
    assert history(house).alone.events(other.sid) == []


def test_what_is_too_old_may_have_been_missed(house: House) -> None:
    client, other = visit(house), visit(house)
    client.socket.emit("lost on the way")
    house.clock.advance(130)
    other.socket.emit("reply")
    assert not come_back(house, client.cut()).socket.recovered


# -- what nobody could come back to ------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "recovered"), [(95, True), (110, False)])
def test_who_missed_more_than_may_wait_for_a_client_begins_anew(
    make_house: MakeHouse, count: int, recovered: bool
) -> None:
    house = make_house(recovery=Settings())
    client = visit(house).cut()
    for _ in range(count):
        house.server.emit("news", "x" * 10_000)
    back = come_back(house, client)
    assert back.socket.recovered is recovered
    assert back.browser.open
    assert (client.sid in history(house).alone) is recovered


def test_one_that_is_sent_away_while_it_joins_leaves_nothing(house: House) -> None:
    namespace = house.server.sockets

    @namespace.adapter_events_on("join-room")
    def send_away(room: str, id: str) -> None:
        namespace.in_(id).disconnect_sockets()

    house.browser(JAVASCRIPT).say("0")
    assert not namespace.sockets
    assert len(history(house).alone) == 0


def test_the_log_goes_with_the_last_who_could_come_back(house: House) -> None:
    client = visit(house)
    house.server.emit("news", TEXT)
    assert history(house).size
    client.browser.say("1")
    assert history(house).size == 0
    again = visit(house).cut()
    house.server.emit("news", TEXT)
    assert come_back(house, again).socket.recovered


@pytest.mark.parametrize(("value", "recovered"), [({1: "x"}, False), (object(), True)])
@pytest.mark.parametrize("alone", [False, True])
def test_what_only_msgpack_can_say_is_no_hole_that_nobody_knows_of(
    house: House, alone: bool, value: Any, recovered: bool
) -> None:
    client = visit(house).cut()
    (client.socket if alone else house.server).emit("news", value)
    assert come_back(house, client).socket.recovered is recovered


def test_what_only_msgpack_can_say_to_one_is_no_hole_of_others(house: House) -> None:
    one, other = visit(house).cut(), visit(house).cut()
    one.socket.emit("news", {1: "x"})
    assert come_back(house, other).socket.recovered
