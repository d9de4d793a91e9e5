"""The rules of the Socket.IO protocol 5, in the namespaces ``/`` and ``/custom``, over both transports."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from tests.support.attacks import BINARY, Over
from tests.support.conformance import App
from tests.support.strangers import EngineIO, Poller

NAMESPACES = pytest.mark.parametrize("namespace", ["", "/custom,"], ids=["main", "custom"])


class Messages:
    """Socket.IO messages of a client on either transport; its bytes as Python has them."""

    def __init__(self, client: EngineIO | Poller) -> None:
        self._client = client

    def say(self, *messages: str | bytes) -> None:
        if isinstance(self._client, Poller):
            self._client.post("\x1e".join("4" + each if isinstance(each, str) else _base64(each) for each in messages))
            return
        for each in messages:
            if isinstance(each, str):
                self._client.send_text("4" + each)
            else:
                self._client.send_binary(each)

    def hear(self) -> str | bytes:
        """The next one."""
        if isinstance(self._client, Poller):
            packet = self._client.packet()
            return _bytes(packet) if packet[0] == "b" else packet[1:]
        while True:
            opcode, payload = self._client.receive()
            if opcode == BINARY:
                return payload
            if payload == b"2":
                self._client.send_text("3")
            else:
                return payload.decode()[1:]

    def join(self, namespace: str, auth: str = "") -> None:
        """CONNECT, with the welcome taken."""
        self.say(f"0{namespace}{auth}")
        assert str(self.hear()).startswith(f"0{namespace}" + '{"sid":')
        assert str(self.hear()).startswith(f'2{namespace}["auth"')

    def is_over(self) -> bool:
        """Reads up to the end."""
        try:
            while True:
                self.hear()
        except Over:
            return True


def _base64(data: bytes) -> str:
    return "b" + base64.b64encode(data).decode()


def _bytes(packet: str) -> bytes:
    return base64.b64decode(packet[1:])


@pytest.fixture(params=["polling", "websocket"])
def client(app: App, request: pytest.FixtureRequest) -> Iterator[Messages]:
    with Poller(app.port) if request.param == "polling" else EngineIO(app.port) as client:
        yield Messages(client)


# -- connect -------------------------------------------------------------------------------------------------


@NAMESPACES
@pytest.mark.parametrize("auth", ["", '{"token":"123"}', '{"سلام":[1,{"a":null}]}'])
def test_connect_is_answered_with_an_id_and_auth_arrives(client: Messages, namespace: str, auth: str) -> None:
    client.say(f"0{namespace}{auth}")
    welcome = json.loads(str(client.hear()).removeprefix(f"0{namespace}"))
    assert len(welcome.pop("sid")) == 20
    assert welcome == {}
    assert json.loads(str(client.hear()).removeprefix(f"2{namespace}")) == ["auth", json.loads(auth or "{}")]


def test_ids_differ_between_namespaces(client: Messages) -> None:
    client.say("0", "0/custom,")
    heard = [str(client.hear()) for _ in range(4)]
    first, second = (json.loads(text[text.index("{") :])["sid"] for text in (heard[0], heard[2]))
    assert first != second


def test_an_unknown_namespace_is_refused_and_the_connection_stays(client: Messages) -> None:
    client.say("0/random,")
    assert client.hear() == '4/random,{"message":"Invalid namespace"}'
    client.join("")


@pytest.mark.parametrize("message", ["4abc", '4{"message":"x"}', "abc", "7", "0[]", '0"x"', "0{", "0/custom,[]"])
def test_a_malformed_connect_ends_the_connection(client: Messages, message: str) -> None:
    client.say(message)
    assert client.is_over()


@NAMESPACES
@pytest.mark.parametrize("message", ['2{}["message",1]', '2{}1["message"]', "3{}1[]", "1{}", '51-{}["message",{}]'])
def test_whoever_is_not_connected_may_say_nothing(client: Messages, namespace: str, message: str) -> None:
    client.say(message.replace("{}", namespace, 1))
    assert client.is_over()


@NAMESPACES
def test_a_second_connect_ends_the_connection(client: Messages, namespace: str) -> None:
    client.join(namespace)
    client.say(f"0{namespace}")
    assert client.is_over()


# -- disconnect ----------------------------------------------------------------------------------------------


def test_a_client_leaves_one_namespace_and_stays_in_the_other(client: Messages) -> None:
    client.join("")
    client.join("/custom,")
    client.say("1/custom,")
    client.say('2["message","still here"]')
    assert client.hear() == '2["message-back","still here"]'
    client.join("/custom,")


@NAMESPACES
def test_after_disconnect_the_namespace_is_not_connected(client: Messages, namespace: str) -> None:
    client.join(namespace)
    client.say(f"1{namespace}")
    client.say(f'2{namespace}["message",1]')
    assert client.is_over()


# -- events and acknowledgements -----------------------------------------------------------------------------

ARGS = ["1", '"x"', '1,"2",{"3":[true]}', '"سلام 😀"', "null,null", '""', "{}", "1.5,-0.25,1e3"]


@NAMESPACES
@pytest.mark.parametrize("args", ARGS)
def test_an_event_comes_back_with_all_arguments(client: Messages, namespace: str, args: str) -> None:
    client.join(namespace)
    client.say(f'2{namespace}["message",{args}]')
    answer = str(client.hear()).removeprefix(f"2{namespace}")
    assert json.loads(answer) == ["message-back", *json.loads(f"[{args}]")]


@NAMESPACES
@pytest.mark.parametrize("number", ["0", "1", "456", "9007199254740991"])
@pytest.mark.parametrize("args", ARGS[:3])
def test_an_event_is_acknowledged_with_all_arguments(client: Messages, namespace: str, number: str, args: str) -> None:
    client.join(namespace)
    client.say(f'2{namespace}{number}["message-with-ack",{args}]')
    answer = str(client.hear())
    assert answer.startswith(f"3{namespace}{number}[")
    assert json.loads(answer.removeprefix(f"3{namespace}{number}")) == json.loads(f"[{args}]")


@NAMESPACES
def test_bytes_come_back_in_order(client: Messages, namespace: str) -> None:
    client.join(namespace)
    placeholders = '{"_placeholder":true,"num":0},{"a":[{"_placeholder":true,"num":1}]}'
    client.say(f'52-{namespace}["message",{placeholders}]', b"\x01\x02\x03", b"\x04\x05\x06")
    assert client.hear() == f'52-{namespace}["message-back",{placeholders}]'
    assert [client.hear(), client.hear()] == [b"\x01\x02\x03", b"\x04\x05\x06"]


@NAMESPACES
def test_an_acknowledgement_may_carry_bytes(client: Messages, namespace: str) -> None:
    client.join(namespace)
    client.say(f'51-{namespace}789["message-with-ack",{{"_placeholder":true,"num":0}},"x"]', b"\xfa")
    assert client.hear() == f'61-{namespace}789[{{"_placeholder":true,"num":0}},"x"]'
    assert client.hear() == b"\xfa"


@NAMESPACES
@pytest.mark.parametrize(
    "messages",
    [
        ['2{}["message"'],
        ["2{}{}"],
        ["2{}[]"],
        ['2{}["connect"]'],
        ['2{}["disconnect"]'],
        ["2{}[null]"],
        ["2{}null"],
        ["3{}1null"],
        ["3{}1{}"],
        ['50-{}["message"]'],
        ['511-{}["message"]'],
        ['51{}["message",{"_placeholder":true,"num":0}]'],
        ['51-{}["message",{"_placeholder":true,"num":1}]', b"\x01"],
        ['51-{}["message",{"_placeholder":true,"num":0}]', '2{}["message"]'],
        [b"\x01"],
    ],
    ids=repr,
)
def test_a_malformed_packet_ends_the_connection(
    client: Messages, namespace: str, messages: list[str | bytes]
) -> None:
    client.join(namespace)
    client.say(*(each.replace("{}", namespace, 1) if isinstance(each, str) else each for each in messages))
    assert client.is_over()
