"""What a client gets back that lost its connection (reference: connection state recovery, 4.1 and 4.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.recovery import JAVASCRIPT, Lost, come_back, missed, visit
from tests.support.socketio import House
from yekta.socketio.errors import ConnectError
from yekta.socketio.recovery import RECOVERABLE, Settings
from yekta.socketio.socket import Socket

MakeHouse = Callable[..., House]


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


def test_what_was_missed_comes_before_connect_on_the_wire(house: House) -> None:
    client = visit(house).cut()
    house.server.emit("first", 1)
    house.server.emit("second", b"\x02")
    first, second, attachment, welcome = come_back(house, client).raw
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


@pytest.mark.parametrize("offset", ["", "x", "-", "1", 5, [], {}, "other-1", "-1"])
def test_an_offset_that_is_not_ours_is_a_failure(house: House, offset: Any) -> None:
    client = visit(house).cut()
    assert not come_back(house, client, offset=offset).socket.recovered


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


# -- 4.2: better than Node -----------------------------------------------------------------------------------


def test_no_event_is_needed_before(house: House) -> None:
    client = visit(house).cut()
    house.server.emit("missed")
    back = come_back(house, client)
    assert back.socket.recovered
    assert missed(back) == ["missed"]


def test_a_half_open_old_connection_is_taken_over(house: House) -> None:
    client = visit(house)
    client.socket.join("kitchen")
    told: list[str] = []
    client.socket.on("disconnect")(told.append)
    house.server.emit("lost on the way")
    back = come_back(house, client)
    assert told == ["transport close"]
    assert not client.browser.open
    assert back.socket.recovered
    assert missed(back) == ["lost on the way"]
    assert list(house.server.sockets.sockets.values()) == [back.socket]
    again = come_back(house, back)
    assert again.socket.recovered, "not only once"


def test_a_pid_works_once(house: House) -> None:
    client = visit(house).cut()
    first = come_back(house, client).cut()
    assert first.socket.recovered
    second = come_back(house, client)
    assert second.socket.recovered, "after another loss it works again"
    second.browser.say("1")
    assert not come_back(house, client).socket.recovered


def test_two_sockets_never_share_an_id(house: House) -> None:
    client = visit(house).cut()
    first, second = come_back(house, client), come_back(house, client)
    assert second.sid == first.sid
    assert not first.browser.open
    assert len(house.server.sockets.sockets) == 1


def test_a_quiet_long_lived_session_outlives_the_trimming(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(max_events=5))
    client = visit(house)
    house.server.emit("long ago")
    offset = client.read()[-1][-1]
    house.clock.advance(3600)
    for number in range(50):
        house.server.to("elsewhere").emit("nothing for you", number)
    client.cut()
    house.server.emit("missed")
    back = come_back(house, client, offset=offset)
    assert back.socket.recovered
    assert missed(back) == ["missed"]


def test_a_session_that_heard_nothing_outlives_the_trimming_too(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(max_events=5))
    client = visit(house)
    for number in range(50):
        house.server.to("elsewhere").emit("nothing for you", number)
    back = come_back(house, client.cut())
    assert back.socket.recovered
    assert missed(back) == []


def test_a_session_that_missed_what_was_trimmed_is_refused(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(max_events=5))
    client = visit(house).cut()
    for number in range(6):
        house.server.emit("missed", number)
    assert not come_back(house, client).socket.recovered


def test_a_session_that_lost_on_the_way_what_was_trimmed_is_refused(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(max_events=5))
    client = visit(house)
    house.server.emit("seen")
    offset = client.read()[-1][-1]
    house.server.emit("lost on the way")
    client.cut()
    for number in range(5):
        house.server.to("elsewhere").emit("nothing for you", number)
    assert not come_back(house, client, offset=offset).socket.recovered


def test_a_volatile_event_moves_the_offset_and_is_not_replayed(house: House) -> None:
    client = visit(house)
    house.server.emit("before")
    house.server.volatile.emit("volatile", "a string at the end")
    *_, (_, text, offset) = client.read()
    assert text == "a string at the end"
    client.cut()
    house.server.volatile.emit("volatile too")
    house.server.emit("missed")
    assert missed(come_back(house, client, offset=offset)) == ["missed"]


def test_a_volatile_event_that_was_dropped_leaves_no_gap(house: House) -> None:
    client = visit(house)
    client.browser.transport.flowing = False
    house.server.volatile.emit("dropped")
    assert client.read() == []
    house.server.emit("heard")
    offset = client.read()[-1][-1]
    assert missed(come_back(house, client.cut(), offset=offset)) == []


@pytest.mark.parametrize(
    ("headers", "auth", "granted"),
    [
        ({"user-agent": "Mozilla/5.0 (X11; Linux) Chrome/130"}, None, True),
        ({"user-agent": "node-XMLHttpRequest"}, None, True),
        ({"sec-websocket-extensions": "permessage-deflate; client_max_window_bits"}, None, True),
        ({"user-agent": "Python/3.11 aiohttp/3.9"}, None, False),
        ({"user-agent": "python-requests/2.31"}, None, False),
        ({"user-agent": "Dart/3.0"}, None, False),
        ({"user-agent": "okhttp/4"}, None, False),
        ({"user-agent": "Python/3.11 aiohttp/3.9", "sec-websocket-extensions": "permessage-deflate"}, None, False),
        ({}, None, False),
        ({"user-agent": "Python/3.11 aiohttp/3.9"}, {"recover": True}, True),
    ],
)
def test_it_is_granted_to_clients_that_understand_it(
    house: House, headers: dict[str, str], auth: Any, granted: bool
) -> None:
    client = visit(house, auth, headers=headers)
    assert ("pid" in client.welcome) is granted
    house.server.emit("news", 1)
    (event,) = client.read()
    assert len(event) == (3 if granted else 2)


def test_a_client_may_ask_for_it_in_its_query(house: House) -> None:
    browser = house.browser({}, recover="1")
    browser.say("0")
    assert '"pid"' in str(browser.heard()[0])


def test_who_understands_is_for_the_application_to_say(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(understands=lambda handshake: handshake.query.get("v") == "2"))
    assert "pid" not in visit(house).welcome


def test_a_broadcast_is_written_for_each_kind(house: House) -> None:
    granted, other = visit(house), visit(house, headers={})
    house.server.emit("news")
    assert len(granted.read()[0]) == 2
    assert other.read() == [["news"]]


def test_a_middleware_that_is_always_asked_ends_a_revoked_session(house: House) -> None:
    revoked: list[str] = []

    @house.server.use
    def unused(socket: Socket) -> None:
        """Not asked about a session that is recovered."""

    def authenticate(socket: Socket) -> None:
        if socket.data.get("user") in revoked:
            raise ConnectError("Invalid or expired session token")
        socket.data["user"] = "ada"

    house.server.use(authenticate, always=True)
    client = visit(house).cut()
    revoked.append("ada")
    house.server.emit("secret")
    browser = house.browser(JAVASCRIPT)
    browser.say(f'0{{"pid":"{client.pid}"}}')
    assert browser.heard() == ['4{"message":"Invalid or expired session token"}']
    assert not house.server.sockets.sockets
    revoked.clear()
    assert not come_back(house, client).socket.recovered, "the session ended there"
