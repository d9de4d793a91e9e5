"""The server's side of the Socket.IO Admin UI: who is let in, and the numbers (reference: admin-ui.md)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.task import Clock

from tests.support.admin import NUMBER, RIGHT, Office, Operator, open_office
from tests.support.patterns import Kind, Like
from tests.support.socketio import House, MakeHouse
from yekta.socketio.admin import AdminSettings, instrument
from yekta.socketio.guesses import Guesses
from yekta.socketio.packet import decode_text


@pytest.fixture
def office(house: House) -> Office:
    return open_office(house)


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


@pytest.mark.parametrize("unreadable", [{"username": "x\udce9"}, {"password": "caf\udce9"}])
def test_credentials_of_an_environment_that_is_not_utf_8_are_refused_and_not_quoted(unreadable: Any) -> None:
    with pytest.raises(ValueError, match="text that can be written") as raised:
        AdminSettings(**{**RIGHT, **unreadable})
    assert (raised.value.__suppress_context__, "caf" in str(raised.value)) == (True, False)


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


WRONG = {"username": "admin", "password": "wrong"}
REFUSED = ['4/admin,{"message":"invalid credentials"}']


def guess(operator: Operator, times: int) -> None:
    """All of them on one connection, as who guesses would."""
    for _ in range(times):
        operator.browser.say(f"0/admin,{json.dumps(WRONG)}")
    assert operator.browser.heard() == REFUSED * times


def test_ten_wrong_passwords_are_looked_at_and_then_one_in_ten_seconds(office: Office) -> None:
    guess(guesser := Operator(office.house.browser()), 9)
    assert office.login().told("config"), "the right one is not counted"
    assert office.login().told("config")
    guess(guesser, 1)
    assert office.login().browser.heard() == REFUSED
    office.house.clock.advance(9.9)
    guess(guesser, 5)
    assert office.login().browser.heard() == REFUSED
    office.house.clock.advance(0.2)
    assert office.login().told("config")
    guess(guesser, 1)
    assert office.login().browser.heard() == REFUSED


def test_who_has_a_session_is_not_kept_out_by_who_guesses(office: Office) -> None:
    ((session,),) = office.login().told("session")
    guess(Operator(office.house.browser()), 20)
    assert office.login({"sessionId": session}).told("config")


def test_who_guesses_keeps_nobody_out_elsewhere() -> None:
    guesses = Guesses(clock := Clock())
    for _ in range(1_000):
        guesses.was_wrong("2001:db8::1")
    assert not guesses.may("2001:db8::2"), "the same subscriber's"
    assert guesses.may("2001:db8:0:1::1")
    assert guesses.may("192.0.2.1")
    clock.advance(1e6)
    assert guesses.may("2001:db8::1")


def test_who_was_wrong_long_ago_has_ten_guesses_as_anybody_and_no_more() -> None:
    guesses = Guesses(clock := Clock())
    guesses.was_wrong("192.0.2.1")
    clock.advance(1e6)
    for _ in range(10):
        assert guesses.may("192.0.2.1")
        guesses.was_wrong("192.0.2.1")
    assert not guesses.may("192.0.2.1")


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
def test_config_lists_what_can_be_done(house: House, mode: str, read_only: bool) -> None:
    ((config,),) = open_office(house, mode, read_only=read_only).login().told("config")
    commands = [] if read_only else COMMANDS
    detailed = ["ALL_EVENTS"] if mode == "development" else []
    assert config == {"supportedFeatures": [*commands, "AGGREGATED_EVENTS", *detailed]}


def test_server_stats_come_every_two_seconds(house: House) -> None:
    house.clock.advance(7.0)
    office = open_office(house, server_id="node-1")
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
    office.house.clock.ahead = 1_000_000
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
    assert mine["bytesOut", None] > mine["packetsOut", None] >= 1
    assert {each["type"] for each in stats["aggregatedEvents"] if "subType" in each} == {"rawDisconnection"}
    began = {each["timestamp"] for each in stats["aggregatedEvents"] if each["type"] == "rawConnection"}
    assert began == {1_000_002_000}
    assert all(each["timestamp"] % 1000 == 0 for each in stats["aggregatedEvents"])
    assert stats["uptime"] == 4.0
    office.house.clock.advance(2.0)
    ((stats,),) = operator.told("server_stats")
    assert {each["type"] for each in stats["aggregatedEvents"]} <= {"packetsOut", "bytesOut"}, "its own numbers only"
    office.admin.stop()
