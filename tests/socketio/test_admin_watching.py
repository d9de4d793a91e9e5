"""What operators see of sockets, rooms and events, and what they never see (reference: admin-ui.md, 3.3 and 3.5)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.support.admin import DATE, Office, open_office
from tests.support.socketio import House


@pytest.fixture
def office(house: House) -> Office:
    return open_office(house)


@pytest.fixture
def workshop(house: House) -> Office:
    return open_office(house, "development")


def test_production_tells_numbers_only(office: Office) -> None:
    operator = office.login()
    operator.told("")
    browser, socket = office.visitor()
    socket.join("kitchen")
    browser.say('2["hello"]')
    socket.emit("hello")
    browser.cut()
    assert operator.heard() == []


def test_development_begins_with_all_sockets(workshop: Office) -> None:
    _, first = workshop.visitor()
    _, second = workshop.visitor("/chat")
    second.join("kitchen")
    ((sockets,),) = workshop.login().told("all_sockets")
    shown = {each["id"]: each for each in sockets}
    assert {first.id, second.id} < shown.keys()
    assert (shown[second.id]["nsp"], shown[second.id]["rooms"]) == ("/chat", sorted([second.id, "kitchen"]))


def test_a_socket_is_told_with_everything_the_ui_shows(workshop: Office) -> None:
    operator = workshop.login()
    operator.heard()
    workshop.house.clock.ahead = 0.5
    headers = {"user-agent": "Mozilla/5.0", "origin": "http://app.example"}
    browser, socket = workshop.visitor(headers=headers, room="1")
    ((shown, date),) = operator.told("socket_connected")
    assert date == "1970-01-01T00:00:00.500Z"
    assert shown == {
        "id": socket.id,
        "clientId": browser.connection.sid[:12],
        "transport": "websocket",
        "nsp": "/",
        "data": {},
        "handshake": {
            "address": "192.0.2.7",
            "headers": headers,
            "query": {"EIO": "4", "room": "1"},
            "issued": 500,
            "secure": False,
            "time": "Thu, 01 Jan 1970 00:00:00 GMT",
            "url": "/socket.io/",
            "xdomain": True,
        },
        "rooms": [socket.id],
    }


def test_rooms_are_told_as_they_are_joined_and_left(workshop: Office) -> None:
    operator = workshop.login()
    _, socket = workshop.visitor("/chat")
    operator.heard()
    socket.join("kitchen")
    socket.leave("kitchen")
    workshop.house.of("/chat").sockets_join("hall")
    assert operator.heard() == [
        ["room_joined", "/chat", "kitchen", socket.id, DATE],
        ["room_left", "/chat", "kitchen", socket.id, DATE],
        ["room_joined", "/chat", "hall", socket.id, DATE],
    ]


def test_events_are_told_by_name_and_the_number_of_their_arguments(workshop: Office) -> None:
    operator = workshop.login()
    browser, socket = workshop.visitor()
    socket.on("hello")(lambda *_: "not told either")
    operator.heard()
    browser.say('2["hello","private",{"more":1}]')
    workshop.house.server.emit("news", "private")
    assert operator.heard() == [
        ["event_received", "/", socket.id, ["hello", "…", "…"], DATE],
        ["event_sent", "/", socket.id, ["news", "…"], DATE],
    ]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda browser, socket: browser.cut(), "transport close"),
        (lambda browser, socket: browser.say("1"), "client namespace disconnect"),
        (lambda browser, socket: socket.disconnect(), "server namespace disconnect"),
    ],
)
def test_a_disconnect_is_told_with_its_reason(workshop: Office, end: Callable[..., None], reason: str) -> None:
    operator = workshop.login()
    browser, socket = workshop.visitor()
    operator.heard()
    end(browser, socket)
    assert ["socket_disconnected", "/", socket.id, reason, DATE] in operator.heard()


def test_an_upgrade_is_told(workshop: Office) -> None:
    operator = workshop.login()
    poller = workshop.house.poller()
    socket = poller.connect()
    operator.heard()
    poller.connection.hooks.fire("upgrade", operator.browser.transport)
    assert operator.heard() == [["socket_updated", {"id": socket.id, "nsp": "/", "transport": "websocket"}, DATE]]


def test_namespaces_of_the_future_are_watched_too(workshop: Office) -> None:
    workshop.house.server.of(re.compile("^/dyn-"))
    operator = workshop.login()
    operator.heard()
    browser, socket = workshop.visitor("/dyn-1")
    assert operator.told("socket_connected")[0][0]["id"] == socket.id
    browser.cut()


def test_nothing_is_told_of_the_operators_themselves(workshop: Office) -> None:
    first = workshop.login()
    first.heard()
    second = workshop.login()
    second.command("emit", "/", None, "hello")
    assert {event[0] for event in first.heard()} <= {"server_stats"}


def test_nothing_secret_is_shown(workshop: Office) -> None:
    operator = workshop.login()
    headers = {"authorization": "Bearer SECRET", "cookie": "token=SECRET", "x-shown": "shown"}
    browser = workshop.house.browser(headers, token="SECRET", pid="SECRET")
    browser.say('0{"token":"SECRET","password":"SECRET"}')
    (socket,) = workshop.house.server.sockets.sockets.values()
    socket.data["token"] = "SECRET"
    browser.say('2["message",{"content":"SECRET"}]', '51-["bytes",{"_placeholder":true,"num":0}]', b"SECRET")
    socket.emit("ai:response:chunk", {"chunk": "SECRET"})
    browser.cut()
    everything = json.dumps([str(message) for message in operator.browser.heard()])
    again = json.dumps([str(message) for message in workshop.login().browser.heard()])
    assert "shown" in everything
    assert "SECRET" not in everything + again
    assert browser.connection.sid not in everything + again
