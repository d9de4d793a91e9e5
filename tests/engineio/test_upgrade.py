"""The way from polling to WebSocket (reference: upgrade)."""

from __future__ import annotations

import pytest

from tests.support.engines import Gateway, body


def test_an_upgrade(gateway: Gateway) -> None:
    client = gateway.open()
    poll = client.poll()
    socket = client.probe()
    assert socket.frames() == []
    socket.send_text("2probe")
    assert socket.texts() == ["3probe"]
    gateway.clock.advance(0.1)
    assert body(poll) == "6"
    socket.send_text("5")
    gateway.user.connection.send("over here")
    socket.send_text("4hello")
    assert socket.texts() == ["3probe", "4over here"]
    assert gateway.user.told == [("message", "hello")]
    assert gateway.user.connection.transport.name == "websocket"
    socket.send_close()
    gateway.turn()
    assert gateway.user.reasons() == ["transport close"]


def test_a_poll_is_freed_only_after_100_ms_and_again_every_100_ms(gateway: Gateway) -> None:
    client = gateway.open()
    socket = client.probe()
    first = client.poll()
    gateway.clock.advance(1)
    assert body(first) is None
    socket.send_text("2probe")
    gateway.clock.advance(0.09)
    assert body(first) is None
    gateway.clock.advance(0.01)
    assert body(first) == "6"
    for _ in range(3):
        poll = client.poll()
        assert body(poll) is None
        gateway.clock.advance(0.1)
        assert body(poll) == "6"


def test_polling_goes_on_while_the_websocket_is_probed(gateway: Gateway) -> None:
    client = gateway.open()
    socket = client.probe()
    socket.send_text("2probe")
    client.post("4a")
    gateway.user.connection.send("b")
    assert body(client.poll()) == "4b"
    assert gateway.user.messages() == ["a"]
    assert socket.texts() == ["3probe"]


def test_what_waits_when_the_client_switches_goes_out_there_in_order(gateway: Gateway) -> None:
    client = gateway.open()
    socket = client.probe()
    socket.send_text("2probe")
    for text in "abc":
        gateway.user.connection.send(text)
    socket.send_text("5")
    gateway.user.connection.send("d")
    gateway.turn()
    assert socket.texts() == ["3probe", "4a", "4b", "4c", "4d"]


def test_a_poll_that_still_waits_when_the_client_switches_is_freed(gateway: Gateway) -> None:
    client = gateway.open()
    poll = client.poll()
    client.upgrade()
    assert body(poll) == "6"
    poll.hang_up()
    assert gateway.user.reasons() == []


def test_a_close_that_waits_for_a_poll_goes_out_on_the_websocket(gateway: Gateway) -> None:
    client = gateway.open()
    gateway.user.connection.send("last")
    gateway.user.connection.close()
    socket = client.upgrade()
    assert "4last" in socket.texts()
    assert socket.close() is not None
    assert gateway.user.reasons() == ["forced close"]


def test_an_upgrade_that_takes_too_long_ends_only_the_probe(gateway: Gateway) -> None:
    client = gateway.open()
    socket = client.probe()
    socket.send_text("2probe")
    gateway.clock.advance(9.9)
    assert socket.close() is None
    gateway.clock.advance(0.1)
    assert socket.close() is not None
    socket.send_text("5")
    assert gateway.user.connection.transport.name == "polling"
    client.post("4a")
    assert gateway.user.told == [("message", "a")]


@pytest.mark.parametrize("end", ["time-out", "cut", "nonsense", "binary"])
def test_after_a_probe_that_came_to_nothing_another_may_be_tried(gateway: Gateway, end: str) -> None:
    client = gateway.open()
    socket = client.probe()
    socket.send_text("2probe")
    if end == "time-out":
        gateway.clock.advance(10)
    elif end == "cut":
        socket.transport.lose()
    elif end == "nonsense":
        socket.send_text("4a")
    else:
        socket.send_binary(b"a")
    assert gateway.user.told == []
    second = client.upgrade()
    second.send_text("4b")
    assert gateway.user.told == [("message", "b")]


@pytest.mark.parametrize("text", ["5", "4a", "2", "2prob", "", "3probe", "1"])
def test_a_probe_that_does_not_begin_with_2probe_is_closed(gateway: Gateway, text: str) -> None:
    client = gateway.open()
    socket = client.probe()
    socket.send_text(text)
    assert socket.texts() == []
    assert socket.close() is not None
    client.post("4still polling")
    assert gateway.user.told == [("message", "still polling")]


def test_a_probe_that_says_so_twice_is_closed(gateway: Gateway) -> None:
    client = gateway.open()
    socket = client.probe()
    socket.send_text("2probe")
    socket.send_text("2probe")
    assert socket.texts() == ["3probe"]
    assert socket.close() is not None
    client.post("4still polling")
    assert gateway.user.told == [("message", "still polling")]


@pytest.mark.parametrize("state", ["opened", "probed", "upgraded"])
def test_a_second_websocket_is_closed_and_the_session_stays_intact(gateway: Gateway, state: str) -> None:
    client = gateway.open()
    first = client.probe()
    for text in {"opened": [], "probed": ["2probe"], "upgraded": ["2probe", "5"]}[state]:
        first.send_text(text)
    second = client.probe()
    second.send_text("2probe")
    second.send_text("5")
    second.send_text("4stolen")
    assert second.texts() == []
    assert second.close() is not None
    second.transport.lose()
    assert client.upgrade().texts() == [], "nor is there room for a third"
    for text in {"opened": ["2probe", "5"], "probed": ["5"], "upgraded": []}[state]:
        first.send_text(text)
    first.send_text("4mine")
    assert gateway.user.told == [("message", "mine")]


def test_a_second_websocket_for_a_session_that_began_with_one_is_closed(gateway: Gateway) -> None:
    first = gateway.websocket()
    second = gateway.websocket(f"EIO=4&transport=websocket&sid={gateway.user.connection.sid}")
    assert second.close() is not None
    first.send_text("4a")
    assert gateway.user.told == [("message", "a")]


def test_a_probe_ends_with_its_session(gateway: Gateway) -> None:
    client = gateway.open()
    socket = client.probe()
    socket.send_text("2probe")
    client.post("1")
    assert socket.close() == (1000, "")
    assert gateway.user.reasons() == ["transport close"]


def test_a_switch_to_a_session_that_has_ended_is_refused(gateway: Gateway) -> None:
    client = gateway.open()
    socket = client.probe()
    socket.send_text("2probe")
    client.post("1")
    socket.send_text("5")
    socket.send_text("4a")
    assert socket.close() is not None
    assert gateway.user.messages() == []
