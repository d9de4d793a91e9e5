"""Socket.IO packets that no parser should swallow, and what may pile up between them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.attacks import Over, frame
from tests.support.siege import besieged, hasty, victim_of
from tests.support.strangers import SEPARATOR, EngineIO, Poller, Polling, SocketIO

both_ports = pytest.mark.parametrize("port", ["api", "ws"])
DOORS = [("api", SocketIO), ("ws", SocketIO), ("api", Polling), ("ws", Polling)]
every_door = pytest.mark.parametrize(("port", "kind"), DOORS, ids=lambda value: getattr(value, "__name__", value))


PLACEHOLDERS = ('"splice"', "-1", "1", "10", "0.5", "null", "true", '"0"', "[]", "{}", "-0.0", "1e0")
PLACEHOLDERS += ("1" + "0" * 400, "9" * 10_000)
FATAL = {
    "no attachments": '450-["e",1]',
    "more than ten attachments": '4511-["e"]',
    "a billion attachments": '451000000000-["e",{"_placeholder":true,"num":0}]',
    "10,000 digits of attachments": "45" + "1" * 10_000 + '-["e"]',
    "attachments in Persian digits": '45١-["e",{"_placeholder":true,"num":0}]',
    "attachments in superscript": '45²-["e",{"_placeholder":true,"num":0}]',
    "signed attachments": '45+1-["e",{"_placeholder":true,"num":0}]',
    "attachments without a dash": "45" + "1" * 400_000,
    "an event name that is null": "42[null]",
    "an event name that is an object": '42[{"toString":"foo"}]',
    "an event name that is a list": "42[[]]",
    "an event name that is true": "42[true]",
    "no event name": "42[]",
    "an object for an event": '42{"0":"echo"}',
    "text for an event": '42"echo"',
    "null for an event": "42null",
    "the name connect": '42["connect"]',
    "the name disconnect": '42["disconnect"]',
    "the name disconnecting": '42["disconnecting",1]',
    "the name newListener": '42["newListener",1]',
    "an acknowledgement that is no list": '431{"a":1}',
    "a CONNECT_ERROR": '44{"message":"no"}',
    "a second CONNECT": "40",
    "a CONNECT with a list": "40/ws,[]",
    "a CONNECT with a number": "40/ws,true",
    "a DISCONNECT with data": '41{"a":1}',
    "a namespace nobody joined": '42/ws/,["echo"]',
    "a namespace of 400,000 characters": "42/" + "n" * 400_000,
    "an id of 10,000 digits": "42" + "9" * 10_000 + '["echo"]',
    "an id in Persian digits": '42٣["echo"]',
    "an id in superscript": '42²["echo"]',
    "an acknowledgement of 10,000 digits": "43" + "9" * 10_000 + "[]",
    "an unknown type": '47["echo"]',
    "a type in Persian digits": '4٢["echo"]',
    "a type of Engine.IO": '0{"sid":"x"}',
    "a ping": "2",
    "no packet at all": "4",
    "400,000 brackets": "42" + "[" * 400_000,
}


@pytest.mark.parametrize("message", FATAL.values(), ids=FATAL)
@every_door
def test_a_packet_that_is_none_ends_the_connection(port: str, kind: Any, message: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for _ in range(2):
            with kind(victim.port, victim.token) as stranger:
                stranger.say_raw(message)
                with pytest.raises(Over):
                    stranger.packet()


@pytest.mark.parametrize("number", PLACEHOLDERS, ids=lambda number: str(number)[:10])
@both_ports
def test_a_placeholder_that_points_nowhere_ends_the_connection(port: str, number: str) -> None:
    victim = victim_of(port)
    text = f'451-["echo",{{"_placeholder":true,"num":{number}}}]'
    with besieged(victim):
        with SocketIO(victim.port, victim.token) as stranger:
            stranger.send_text(text)
            stranger.send_binary(b"abc")
            with pytest.raises(Over):
                stranger.packet()
        with Polling(victim.port, victim.token) as poller:
            poller.post(f"{text}{SEPARATOR}bYWJj")
            with pytest.raises(Over):
                poller.packet()


HARMLESS = {
    "42": None,
    '42["error",{}]': "error",
    "42[1]": "error",
    "42[1e308]": "error",
    '42["__proto__"]': "error",
    '42["constructor",{}]': "error",
    '42["' + "n" * 900_000 + '"]': "error",
    "43999[]": None,
    '439007199254740992[{"a":1}]': None,
    '429007199254740992["ping"]': "pong",
    '420["ping"]': "pong",
    '42["ping",null,null]': "pong",
    '42["echo",{"_placeholder":true,"num":0}]': "echo_response",
}


@pytest.mark.parametrize(("message", "answer"), HARMLESS.items(), ids=lambda value: str(value)[:40])
@every_door
def test_an_odd_packet_is_answered_and_the_connection_stays(
    port: str, kind: Any, message: str, answer: str | None
) -> None:
    victim = victim_of(port)
    with besieged(victim), kind(victim.port, victim.token) as stranger:
        for _ in range(3):
            stranger.say_raw(message)
            if answer is not None:
                packet = stranger.packet()
                if packet.startswith("43"):
                    packet = stranger.packet()
                assert packet.startswith(f'42["{answer}"')
                assert len(packet) < 1000
            if message[2:3].isdigit() and message.startswith("42"):
                assert stranger.packet().startswith("43")
        stranger.say("echo", "1")
        assert stranger.hear()[0] == "echo_response"


@both_ports
def test_binary_before_connect_ends_the_connection(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for messages in ([b"x" * 900_000], ['451-["e",{"_placeholder":true,"num":0}]', b"x" * 900_000], [b"x"] * 1000):
            with EngineIO(victim.port) as stranger:
                for message in messages:
                    stranger.send_text(message) if isinstance(message, str) else stranger.send_binary(message)
                assert stranger.end() == 1000
            with Poller(victim.port) as poller:
                poller.post("b" + "QUJD" * 200_000)
                with pytest.raises(Over):
                    poller.packet()


@both_ports
def test_nine_megabytes_of_attachments_are_too_many(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for _ in range(3):
            with SocketIO(victim.port, victim.token) as stranger:
                stranger.send_text('4510-["echo",{"_placeholder":true,"num":0}]')
                for _ in range(120):
                    stranger.send_binary(b"x" * 900_000)
                assert stranger.end() == 1000


@both_ports
def test_attachments_that_nobody_announced_end_the_connection(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim), SocketIO(victim.port, victim.token) as stranger:
        for _ in range(20_000):
            stranger.send_binary(b"x")
        assert stranger.end() == 1000


@both_ports
def test_3_000_packets_without_attachments_leave_nothing(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for _ in range(100):
            with Poller(victim.port) as stranger:
                stranger.post(SEPARATOR.join(['450-["e",1]'] * 30))


@both_ports
def test_text_while_attachments_are_missing_ends_the_connection(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim), SocketIO(victim.port, victim.token) as stranger:
        stranger.send_text('451-["echo",{"_placeholder":true,"num":0}]')
        stranger.say("echo", "1")
        assert stranger.end() == 1000


@both_ports
def test_an_unfinished_packet_is_given_up_after_the_packet_timeout(port: str) -> None:
    victim = victim_of(port, hasty)
    with besieged(victim):
        strangers = [SocketIO(victim.port, victim.token) for _ in range(10)]
        for stranger in strangers:
            stranger.send_text('4510-["echo",{"_placeholder":true,"num":0}]')
            stranger.send_binary(b"x" * 90_000)
        for stranger in strangers:
            with pytest.raises(Over):
                # Pings are answered: it is not the heartbeat that ends it.
                stranger.packet()
            stranger.close()


@both_ports
@pytest.mark.parametrize("namespaces", ["/no{}", "/ws/{}", "/socket.io/{}/", "/" + "n" * 240 + "{}"])
def test_10_000_unknown_namespaces_are_refused_and_forgotten(port: str, namespaces: str) -> None:
    victim = victim_of(port)
    with besieged(victim), SocketIO(victim.port, victim.token) as stranger:
        for start in range(0, 10_000, 500):
            names = [namespaces.format(number) for number in range(start, start + 500)]
            stranger.send(b"".join(frame_of(f"40{name},") for name in names))
            for name in names:
                assert stranger.packet() == f'44{name},{{"message":"Invalid namespace"}}'
        stranger.say("echo", "1")
        assert stranger.hear()[0] == "echo_response"


def frame_of(text: str) -> bytes:
    return frame(text.encode())


@both_ports
def test_1_000_connects_to_the_aliases_are_refused_or_fatal(port: str) -> None:
    victim = victim_of(port)
    aliases = ("/", "/socket.io", "/socket.io/", "/ws", "/ws/")
    with besieged(victim):
        with EngineIO(victim.port) as stranger:
            stranger.send(b"".join(frame_of(f'40{alias},{{"token":"no"}}') for alias in aliases) * 200)
            answers = ["44{" if alias == "/" else f"44{alias},{{" for alias in aliases]
            for number in range(1000):
                assert stranger.packet().startswith(answers[number % 5])
        with EngineIO(victim.port) as stranger:
            stranger.send(b"".join(frame_of(f'40{alias},{{"token":"{victim.token}"}}') for alias in aliases) * 200)
            assert stranger.end() == 1000


@both_ports
def test_many_connects_to_one_namespace_while_the_first_is_admitted_are_answered_once(port: str) -> None:
    victim = victim_of(port)
    unknown = "u" * 43
    with besieged(victim), Poller(victim.port) as stranger:
        stranger.post(SEPARATOR.join([f'40{{"token":"{unknown}"}}'] * 100))
        assert stranger.packet().startswith("44{")
        stranger.post(f'40{{"token":"{victim.token}"}}')
        assert stranger.packet().startswith('40{"sid"')
