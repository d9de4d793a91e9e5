"""Hostile JSON at every door: depth, breadth, numbers that are none, halves of characters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.attacks import Over, Wire
from tests.support.siege import besieged, ordinary, victim_of
from tests.support.strangers import Native, Poller, Polling, SocketIO

DEPTH = 100_000
DEEP = "[" * DEPTH + "]" * DEPTH
DEEP_OBJECT = '{"a":' * DEPTH + "1" + "}" * DEPTH
NOT_JSON = {
    "100,000 arrays deep": DEEP,
    "100,000 objects deep": DEEP_OBJECT,
    "an opening without end": "[" * 400_000,
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "a number beyond all": "1e400",
    "a number with 10,000 digits": "9" * 10_000,
    "a Persian digit": "٣",
    "a superscript digit": "²",
    "a leading zero": "0123",
    "nothing": "",
    "a control character": '"\x01"',
    "a byte order mark": "\ufeff1",
    "deep with half a character": '["\\ud83d",' + "[" * DEPTH + "]" * DEPTH + "]",
}
JSON = {
    "half a character": ('"\\ud83d"', "\ufffd"),
    "the other half": ('{"\\ude00": 1}', {"\ufffd": 1}),
    "NUL": ('"\\u0000"', "\0"),
    "a number with 300 digits": ("9" * 300, 1e300),
    "__proto__": ('{"__proto__": {"a": 1}, "constructor": 2}', {"__proto__": {"a": 1}, "constructor": 2}),
}
NATIVES = [("api", Native), ("ws", Native)]
SOCKETS = [("api", SocketIO), ("ws", SocketIO), ("api", Polling), ("ws", Polling)]


def name(value: Any) -> str | None:
    return value.__name__ if isinstance(value, type) else None


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize(("port", "kind"), NATIVES, ids=name)
def test_what_is_not_json_is_an_error_to_a_native_client_who_stays(port: str, kind: type[Native], data: str) -> None:
    victim = victim_of(port)
    with besieged(victim), kind(victim.port, victim.token) as stranger:
        for _ in range(3):
            stranger.say("echo", data)
            assert stranger.hear() == ("error", {"error": "Failed to process message"})
        stranger.say("echo", "1")
        assert stranger.hear()[0] == "echo_response"


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize(("port", "kind"), SOCKETS, ids=name)
def test_what_is_not_json_ends_a_socketio_connection(port: str, kind: type[SocketIO], data: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for _ in range(3):
            with kind(victim.port, victim.token) as stranger:
                stranger.say("echo", data)
                with pytest.raises(Over):
                    stranger.hear()


@pytest.mark.parametrize("data", [*filter(None, NOT_JSON.values())], ids=[*filter(NOT_JSON.get, NOT_JSON)])
@pytest.mark.parametrize("path", ["/api/ai/chat", "/api/auth/login", "/api/auth/register"])
def test_what_is_not_json_is_400_to_rest(path: str, data: str) -> None:
    api = ordinary().api
    with besieged(api), Wire(api.port) as wire:
        for body in (data, f'{{"message": {data}}}'):
            answer = wire.request("POST", path, "Content-Type: application/json", body)
            assert (answer.status, answer.json()["error"]) == (400, "Invalid JSON")


@pytest.mark.parametrize(("text", "value"), JSON.values(), ids=JSON)
@pytest.mark.parametrize(("port", "kind"), NATIVES + SOCKETS, ids=name)
def test_odd_json_is_echoed_sanely(port: str, kind: type[SocketIO], text: str, value: Any) -> None:
    victim = victim_of(port)
    with besieged(victim), kind(victim.port, victim.token) as stranger:
        stranger.say("echo", text)
        event, data = stranger.hear()
        assert (event, data["received"]) == ("echo_response", value)


@pytest.mark.parametrize("event", ["echo", "message", "ai:chat", "ai:cancel", "status", "nobody:knows", "error"])
@pytest.mark.parametrize(("port", "kind"), NATIVES + SOCKETS, ids=name)
def test_data_that_is_too_deep_to_be_sent_back_is_an_error(port: str, kind: type[SocketIO], event: str) -> None:
    victim = victim_of(port)
    deep = "[" * 1000 + "]" * 1000
    with besieged(victim), kind(victim.port, victim.token) as stranger:
        for data in (deep, f'{{"content": "x", "message": "x", "messageId": "x", "conversationHistory": {deep}}}'):
            stranger.say(event, data)
            # Data of events that take none is not looked at.
            assert stranger.hear()[0] == ("status_response" if event == "status" else "error")
        stranger.say("echo", "1")
        assert stranger.hear()[0] == "echo_response"


@pytest.mark.parametrize(("port", "kind"), SOCKETS, ids=name)
def test_100_000_arguments_are_one_event(port: str, kind: type[SocketIO]) -> None:
    victim = victim_of(port)
    with besieged(victim), kind(victim.port, victim.token) as stranger:
        for _ in range(3):
            stranger.say("echo", ",".join(["7"] * 100_000))
            assert stranger.hear()[1]["received"] == 7


@pytest.mark.parametrize(("port", "kind"), NATIVES, ids=name)
def test_100_000_elements_are_one_echo(port: str, kind: type[Native]) -> None:
    victim = victim_of(port)
    with besieged(victim), kind(victim.port, victim.token) as stranger:
        for _ in range(3):
            stranger.say("echo", f"[{','.join(['7'] * 100_000)}]")
            assert len(stranger.hear()[1]["received"]) == 100_000


@pytest.mark.parametrize("opening", ['40{"token":', "40/ws,", "41", "430", '4512-["e",{"_placeholder":true,"num":0},'])
@pytest.mark.parametrize("port", ["api", "ws"])
def test_depth_ends_a_connection_that_has_not_joined(port: str, opening: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for _ in range(3):
            with Poller(victim.port) as stranger:
                stranger.post(opening + DEEP)
                with pytest.raises(Over):
                    stranger.packet()
