"""What operators can do (reference: admin-ui.md, 3.4)."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from tests.support.admin import Office, open_office
from tests.support.socketio import House


@pytest.fixture
def office(house: House) -> Office:
    return open_office(house)


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


def test_commands_are_logged_without_their_data(office: Office) -> None:
    operator = office.login()
    with capturedLogs() as lines:
        operator.command("emit", "/chat", "somebody", "news", "private")
        operator.command("join", "/chat", "private", "somebody")
        operator.command("leave", "/chat", "private", "somebody")
        operator.command("_disconnect", "/", False, "somebody")
    assert [formatEvent(line) for line in lines] == [
        "Admin command emit in /chat",
        "Admin command join in /chat",
        "Admin command leave in /chat",
        "Admin command disconnect in /",
    ]
    assert "private" not in str(lines)
    assert "somebody" not in str(lines)


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


def test_read_only_obeys_nothing(house: House) -> None:
    office = open_office(house, read_only=True)
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
