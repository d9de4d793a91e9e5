"""Several servers with operators: whoever is connected to one looks at all (reference: admin-ui.md, 3.3)."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.python.failure import Failure

from tests.support.admin import DATE, Office, Operator, open_office
from tests.support.several import Several
from yekta.socketio import admin_watch
from yekta.socketio.admin import STATS_INTERVAL

Offices = dict[str, Office]


@pytest.fixture
def offices(several: Several) -> Offices:
    offices = {name: open_office(several[name], "development") for name in "abc"}
    several.settle()
    return offices


def arrived(several: Several, office: Office) -> Operator:
    """An operator who has been shown what there is, and whom all know of."""
    operator = office.login()
    several.settle()
    operator.heard()
    return operator


def test_an_operator_is_shown_the_sockets_of_all(several: Several, offices: Offices) -> None:
    ids = {office.visitor()[1].id for office in offices.values()}
    operator = offices["a"].login()
    several.settle()
    ((sockets,),) = operator.told("all_sockets")
    assert ids < {each["id"] for each in sockets}


def test_those_of_a_server_that_does_not_answer_are_not_waited_for(several: Several, offices: Offices) -> None:
    (_, ours), (_, theirs), _ = [office.visitor() for office in offices.values()]
    operator = offices["a"].login()
    for one, other in (("a", "b"), ("b", "a")):
        while several.wires.lines[one, other]:
            several.wires.deliver(one, other)
    assert operator.told("all_sockets") == []
    several.advance(admin_watch.PATIENCE)
    ((sockets,),) = operator.told("all_sockets")
    assert {each["id"] for each in sockets if each["nsp"] == "/"} == {ours.id, theirs.id}


def test_an_operator_is_told_what_happens_elsewhere(several: Several, offices: Offices) -> None:
    operator = arrived(several, offices["a"])
    browser, socket = offices["b"].visitor("/chat")
    socket.join("kitchen")
    browser.cut()
    several.settle()
    heard = operator.heard()
    assert [shown["id"] for event, shown, *_ in heard if event == "socket_connected"] == [socket.id]
    assert ["room_joined", "/chat", "kitchen", socket.id, DATE] in heard
    assert ["socket_disconnected", "/chat", socket.id, "transport close", DATE] in heard


def said(several: Several, office: Office) -> int:
    """How many words the others are told of a visitor's coming and going."""
    several.settle()
    office.visitor()[0].cut()
    said = sum(map(len, several.wires.lines.values()))
    several.settle()
    return said


def test_who_looks_on_is_known_as_long_as_it_is_told(several: Several, offices: Offices) -> None:
    operator = arrived(several, offices["a"])
    for _ in range(5):
        several.advance(admin_watch.BELIEVED - STATS_INTERVAL)
        offices["a"].admin._tell_stats()
        several.settle()
    operator.heard()
    assert said(several, offices["b"]) > 0
    assert "socket_connected" in {event for event, *_ in operator.heard()}


def test_nothing_is_said_to_others_while_nobody_looks(several: Several, offices: Offices) -> None:
    offices["a"].admin._tell_stats()
    assert said(several, offices["b"]) == 0
    arrived(several, offices["a"]).browser.cut()
    several.advance(admin_watch.BELIEVED)
    assert said(several, offices["b"]) == 0


@pytest.mark.parametrize(
    "command", [["emit", "/", [7], "news"], ["join", "/", 7], ["leave", "/", "r", [7]], ["_disconnect", "/", True, [7]]]
)
def test_of_a_malformed_command_no_other_server_hears(
    several: Several, offices: Offices, logged: list[Failure], command: list[Any]
) -> None:
    operator = arrived(several, offices["a"])
    operator.command(*command)
    assert not any(several.wires.lines.values())
    assert [str(failure.value) for failure in logged] == ["not a name"]
    logged.clear()


def test_of_a_server_with_very_many_sockets_some_are_shown(
    several: Several, offices: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_watch, "MAX_SHOWN", 2)
    for _ in range(3):
        offices["b"].visitor()
    operator = offices["a"].login()
    several.settle()
    ((sockets,),) = operator.told("all_sockets")
    assert len(sockets) == 1 + 2


def test_a_server_that_tells_numbers_only_is_not_shown(several: Several) -> None:
    shown = open_office(several["a"], "development")
    for name in "bc":
        open_office(several[name]).visitor()
    several.settle()
    _, socket = shown.visitor()
    operator = shown.login()
    several.settle()
    ((sockets,),) = operator.told("all_sockets")
    assert [each["id"] for each in sockets if each["nsp"] == "/"] == [socket.id]
