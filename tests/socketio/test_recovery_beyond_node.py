"""What a client gets back that Node would not give it (reference: connection state recovery, 4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.recovery import JAVASCRIPT, come_back, missed, visit
from tests.support.socketio import House, MakeHouse
from yekta.socketio.errors import ConnectError
from yekta.socketio.recovery import Settings
from yekta.socketio.socket import Socket


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house(recovery=Settings())


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
