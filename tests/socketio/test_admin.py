"""The server's side of the Socket.IO Admin UI (reference: admin-ui.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from twisted.python.failure import Failure

from tests.support.patterns import Kind, Like
from tests.support.socketio import Browser, House
from yekta.socketio.admin import Admin, AdminSettings, instrument
from yekta.socketio.packet import decode_text
from yekta.socketio.socket import Socket

MakeHouse = Callable[..., House]

RIGHT = {"username": "admin", "password": "secret"}
DATE: Any = Like(r"1970-01-01T00:00:\d\d\.\d{3}Z")
NUMBER: Any = Kind(int)


@attrs.define(eq=False)
class Office:
    """An instrumented house."""

    house: House
    admin: Admin

    def login(self, auth: Any = RIGHT) -> Operator:
        """An operator, let in or not."""
        browser = self.house.browser()
        browser.say(f"0/admin,{json.dumps(auth)}")
        return Operator(browser)

    def visitor(self, namespace: str = "/", **more: Any) -> tuple[Browser, Socket]:
        browser = self.house.browser(**more)
        return browser, browser.connect(namespace)


@attrs.define(eq=False)
class Operator:
    browser: Browser

    def heard(self) -> list[Any]:
        """The events that came since the last time; numbers of the server are left out."""
        data = [decode_text(message)[0].data for message in self.browser.heard() if isinstance(message, str)]
        return [each for each in data if isinstance(each, list) and each[0] != "server_stats"]

    def told(self, event: str) -> list[list[Any]]:
        """The arguments of those events of this name that came since the last time."""
        data = (decode_text(message)[0].data for message in self.browser.heard() if isinstance(message, str))
        return [each[1:] for each in data if isinstance(each, list) and each[0] == event]

    def command(self, *args: Any) -> None:
        self.browser.say(f"2/admin,{json.dumps(args)}")


@pytest.fixture
def open_office(make_house: MakeHouse) -> Callable[..., Office]:
    def open_office(mode: str = "production", **settings: Any) -> Office:
        house = make_house()
        house.of("/chat")
        house.of("/admin")
        return Office(house, instrument(house.server, AdminSettings("admin", "secret", mode=mode, **settings)))

    return open_office


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    return open_office()


@pytest.fixture
def workshop(open_office: Callable[..., Office]) -> Office:
    """In mode development."""
    return open_office("development")


# -- 3.2: connection -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "auth",
    [
        {}, {"username": "admin"}, {"password": "secret"}, {"username": "admin", "password": "wrong"},
        {"username": "root", "password": "secret"}, {"username": "admin", "password": ""},
        {"username": "", "password": ""}, {"username": None, "password": None}, {"username": 1, "password": ["secret"]},
        {"username": "admin", "password": "سری"}, {"username": "ادمین", "password": "secret"},
        {"sessionId": "0123456789abcdef"}, {"sessionId": None}, {"sessionId": ["x"]}, {"sessionId": ""},
        {"username": "admin", "password": "\ud800"},
    ],
)  # fmt: skip
def test_without_the_credentials_one_is_refused_in_the_words_that_the_ui_looks_for(office: Office, auth: Any) -> None:
    operator = office.login(auth)
    assert operator.browser.heard() == ['4/admin,{"message":"invalid credentials"}']


@pytest.mark.parametrize(("username", "password"), [("", "x"), ("x", ""), ("", "")])
def test_empty_credentials_do_not_open_a_door_that_was_never_locked(username: str, password: str) -> None:
    with pytest.raises(ValueError, match="needs a user name and a password"):
        AdminSettings(username, password)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="mode"):
        AdminSettings("admin", "secret", mode="debug")


def test_the_settings_do_not_show_the_password() -> None:
    assert "secret" not in repr(AdminSettings("admin", "secret"))


def test_a_password_login_is_given_a_session_of_16_hex_characters_after_connect(office: Office) -> None:
    heard = office.login().browser.heard()
    assert str(heard[0]).startswith('0/admin,{"sid":')
    session = decode_text(str(heard[1]))[0].data
    assert session == ["session", Like("[0-9a-f]{16}")]


def test_a_session_opens_the_door_again_and_is_not_given_once_more(office: Office) -> None:
    first = office.login()
    ((session,),) = first.told("session")
    first.browser.cut()
    second = office.login({"sessionId": session})
    events = [decode_text(str(message))[0].data[0] for message in second.browser.heard()[1:]]
    assert events == ["config", "server_stats"]


def test_so_many_sessions_are_remembered_and_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yekta.socketio.admin.MAX_LOGINS", 3)
    sessions = [office.login().told("session")[0][0] for _ in range(4)]
    assert office.login({"sessionId": sessions[0]}).browser.heard() == ['4/admin,{"message":"invalid credentials"}']
    assert office.login({"sessionId": sessions[1]}).told("config")


def test_the_namespace_may_be_another(make_house: MakeHouse) -> None:
    house = make_house()
    instrument(house.server, AdminSettings("admin", "secret", namespace="/operators"))
    browser = house.browser()
    browser.say(f"0/operators,{json.dumps(RIGHT)}")
    assert str(browser.heard()[0]).startswith("0/operators,")


# -- 3.3: server to UI ---------------------------------------------------------------------------------------

COMMANDS = ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"]


@pytest.mark.parametrize("mode", ["production", "development"])
@pytest.mark.parametrize("read_only", [False, True])
def test_config_lists_what_can_be_done(open_office: Callable[..., Office], mode: str, read_only: bool) -> None:
    ((config,),) = open_office(mode, read_only=read_only).login().told("config")
    commands = [] if read_only else COMMANDS
    detailed = ["ALL_EVENTS"] if mode == "development" else []
    assert config == {"supportedFeatures": [*commands, "AGGREGATED_EVENTS", *detailed]}


def test_server_stats_come_every_two_seconds(open_office: Callable[..., Office]) -> None:
    office = open_office(server_id="node-1")
    office.admin.start()
    operator = office.login()
    office.visitor()
    poller = office.house.poller()
    poller.connect("/chat")
    operator.told("server_stats")
    office.house.clock.advance(2.0)
    ((stats,),) = operator.told("server_stats")
    assert {name: stats[name] for name in stats if name != "aggregatedEvents"} == {
        "serverId": "node-1",
        "hostname": Kind(str),
        "pid": NUMBER,
        "uptime": 2.0,
        "clientsCount": 3,
        "pollingClientsCount": 1,
        "namespaces": [{"name": name, "socketsCount": 1} for name in ("/", "/chat", "/admin")],
    }
    office.house.clock.pump([2.0] * 3)
    assert len(operator.told("server_stats")) == 3
    office.admin.stop()
    office.admin.stop()
    office.house.clock.advance(10.0)
    assert operator.told("server_stats") == []


def test_aggregated_events_count_what_happened_since_the_last_time(office: Office) -> None:
    office.admin.start()
    operator = office.login()
    office.house.clock.advance(2.0)
    operator.told("server_stats")
    office.house.clock.advance(0.7)
    browser, _ = office.visitor()
    browser.say('2["hello"]')
    browser.cut("transport error")
    office.house.clock.advance(1.3)
    ((stats,),) = operator.told("server_stats")
    mine = {(each["type"], each.get("subType")): each["count"] for each in stats["aggregatedEvents"]}
    assert mine["rawConnection", None] == 1
    assert mine["rawDisconnection", "transport error"] == 1
    assert mine["packetsIn", None] == 2
    assert mine["bytesIn", None] == len("40") + len('42["hello"]')
    assert mine["packetsOut", None] >= 1
    assert all(each["timestamp"] % 1000 == 0 for each in stats["aggregatedEvents"])
    office.house.clock.advance(2.0)
    ((stats,),) = operator.told("server_stats")
    assert {each["type"] for each in stats["aggregatedEvents"]} <= {"packetsOut", "bytesOut"}, "its own numbers only"
    office.admin.stop()


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
    headers = {"user-agent": "Mozilla/5.0", "origin": "http://app.example"}
    browser, socket = workshop.visitor(headers=headers, room="1")
    ((shown, date),) = operator.told("socket_connected")
    assert date == DATE
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
            "issued": 0,
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


# -- 3.4: UI to server ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("room", "reached"), [(None, {"in", "out"}), ("kitchen", {"in"}), ("SID", {"out"}), ("nowhere", set())]
)
def test_emit(office: Office, room: str | None, reached: set[str]) -> None:
    (inside, cook), (outside, guest) = office.visitor("/chat"), office.visitor("/chat")
    cook.join("kitchen")
    operator = office.login()
    operator.command("emit", "/chat", guest.id if room == "SID" else room, "news", 1, {"a": [None]})
    heard = {"in": inside.heard(), "out": outside.heard()}
    assert {name for name, messages in heard.items() if messages == ['2/chat,["news",1,{"a":[null]}]']} == reached
    assert {name for name, messages in heard.items() if messages} == reached


def test_join_and_leave_some_or_all(office: Office) -> None:
    (_, one), (_, two) = office.visitor("/chat"), office.visitor("/chat")
    operator = office.login()
    operator.command("join", "/chat", "kitchen")
    operator.command("join", "/chat", "hall", one.id)
    assert (set(one.rooms), set(two.rooms)) == ({one.id, "kitchen", "hall"}, {two.id, "kitchen"})
    operator.command("leave", "/chat", "kitchen", "hall")
    assert (set(one.rooms), set(two.rooms)) == ({one.id, "hall"}, {two.id, "kitchen"})
    operator.command("leave", "/chat", "kitchen")
    assert set(two.rooms) == {two.id}


def test_a_command_may_be_for_several_rooms(office: Office) -> None:
    sockets = [office.visitor()[1] for _ in range(3)]
    office.login().command("join", "/", "kitchen", [sockets[0].id, sockets[2].id])
    assert ["kitchen" in socket.rooms for socket in sockets] == [True, False, True]


@pytest.mark.parametrize("close", [False, True])
def test_disconnect_some_or_all(office: Office, close: bool) -> None:
    (one, cook), (two, _) = office.visitor("/chat"), office.visitor("/chat")
    operator = office.login()
    operator.command("_disconnect", "/chat", close, cook.id)
    assert (cook.connected, one.open, two.open) == (False, not close, True)
    operator.command("_disconnect", "/chat", close)
    assert (office.house.of("/chat").sockets, two.open) == ({}, not close)
    assert operator.browser.open


def test_read_only_obeys_nothing(open_office: Callable[..., Office]) -> None:
    office = open_office(read_only=True)
    browser, socket = office.visitor()
    operator = office.login()
    for command in (["emit", "/", None, "news"], ["join", "/", "kitchen"], ["_disconnect", "/", True]):
        operator.command(*command)
    assert (browser.heard(), set(socket.rooms), socket.connected) == ([], {socket.id}, True)


@pytest.mark.parametrize(
    "command",
    [
        ["emit", "/nowhere", None, "news"], ["emit", "/"], ["emit", "/", None, "connect"], ["emit", "/", None, None],
        ["emit", "/", None, {}], ["emit", None, None, "news"], ["join", "/", None], ["join", "/", 5], ["join", "/", {}],
        ["leave", "/", []], ["_disconnect"], ["emit", [], None, "news"], ["emit", "/", {"room": 1}, "news"],
        ["join", "/", "kitchen", 7], ["_disconnect", "/", False, ["x"]], ["_disconnect", "/", False, []],
        ["_disconnect", "/", False, [7]], ["_disconnect", "/", False, {}], ["_disconnect", "/", False, False],
    ],
)  # fmt: skip
def test_a_malformed_command_does_nothing(office: Office, logged: list[Failure], command: list[Any]) -> None:
    browser, socket = office.visitor()
    operator = office.login()
    operator.command(*command)
    assert (browser.heard(), set(socket.rooms), socket.connected) == ([], {socket.id}, True)
    assert operator.browser.open
    logged.clear()


def test_an_unknown_namespace_is_not_made(office: Office, logged: list[Failure]) -> None:
    office.login().command("emit", "/nowhere", None, "news")
    assert "/nowhere" not in office.house.server.namespaces
    logged.clear()
