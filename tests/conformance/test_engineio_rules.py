"""The rules of the Engine.IO protocol 4, over real sockets and byte by byte; each test is named after its rule."""

from __future__ import annotations

import json
import re
from time import monotonic

import pytest

from tests.conformance.conftest import PING_INTERVAL, PING_TIMEOUT
from tests.support.attacks import BINARY, TEXT, Over, Response, WebSocket, Wire, head, opening
from tests.support.conformance import App
from tests.support.strangers import EngineIO, Poller

PATH = "/socket.io/"
POLLING, WEBSOCKET = f"{PATH}?EIO=4&transport=polling", f"{PATH}?EIO=4&transport=websocket"

# As late as anything may be on a busy machine.
LATE = 2.0


def get(app: App, target: str, method: str = "GET", body: bytes = b"") -> Response:
    with Wire(app.port) as wire:
        return wire.request(method, target, body=body)


def upgrade(app: App, target: str) -> Response:
    """The answer to an opening handshake that is refused."""
    with Wire(app.port) as wire:
        wire.send(opening(target))
        return wire.response()


def settle(app: App) -> None:
    """Wait until the server has read whatever was sent before: it reads from all connections in turn."""
    with Wire(app.port) as wire:
        for _ in range(3):
            wire.request("GET", PATH)


def hang(app: App, client: Poller, wire: Wire) -> None:
    """Begin a poll that is not answered for now."""
    wire.send(head("GET", client.target))
    settle(app)


def checked(handshake: dict[str, object], upgrades: list[str]) -> None:
    sid = handshake.pop("sid")
    assert isinstance(sid, str)
    assert re.fullmatch(r"[\w-]{20}", sid)
    assert handshake == {
        "upgrades": upgrades,
        "pingInterval": PING_INTERVAL * 1000,
        "pingTimeout": PING_TIMEOUT * 1000,
        "maxPayload": 1_000_000,
    }


# -- handshake -----------------------------------------------------------------------------------------------


def test_polling_opens_with_a_handshake(quick: App) -> None:
    answer = get(quick, POLLING)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert answer.body[:1] == b"0"
    checked(json.loads(answer.body[1:]), ["websocket"])


def test_websocket_opens_with_a_handshake(quick: App) -> None:
    with EngineIO(quick.port) as client:
        checked(client.handshake, [])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("transport=polling", 5),
        ("EIO=abc&transport=polling", 5),
        ("EIO=3&transport=polling", 5),
        ("EIO=4", 0),
        ("EIO=4&transport=abc", 0),
        ("EIO=4&transport=polling&sid=abc", 1),
        ("EIO=4&transport=websocket", 3),
    ],
)
def test_a_malformed_handshake_is_400_with_a_code(app: App, query: str, code: int) -> None:
    answer = get(app, f"{PATH}?{query}")
    assert (answer.status, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_handshake_is_a_get(app: App, method: str) -> None:
    answer = get(app, POLLING, method)
    assert (answer.status, answer.json()["code"]) == (400, 2)


@pytest.mark.parametrize(
    "query",
    [
        "transport=websocket",
        "EIO=abc&transport=websocket",
        "EIO=4",
        "EIO=4&transport=abc",
        "EIO=4&transport=polling",
        "EIO=4&transport=websocket&sid=abc",
    ],
)
def test_a_malformed_handshake_is_refused_before_the_101(app: App, query: str) -> None:
    assert upgrade(app, f"{PATH}?{query}").status == 400


# -- packets and payloads ------------------------------------------------------------------------------------


def test_a_payload_carries_packets_joined_by_1e_both_ways(app: App) -> None:
    with Poller(app.port) as client:
        assert client.post('40\x1e42["message",1]\x1e42["message",2]') == 200
        packets = [client.packet() for _ in range(4)]
        assert packets[2:] == ['42["message-back",1]', '42["message-back",2]']


def test_a_post_is_answered_ok(app: App) -> None:
    with Poller(app.port) as client:
        answer = client.wire.request("POST", client.target, body="40")
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"ok", "text/html")


def test_binary_is_base64_after_a_b_on_polling(app: App) -> None:
    with Poller(app.port) as client:
        client.post('40\x1e451-["message",{"_placeholder":true,"num":0}]\x1ebAQIDBA==')
        packets = [client.packet() for _ in range(4)]
        assert packets[2:] == ['451-["message-back",{"_placeholder":true,"num":0}]', "bAQIDBA=="]


def test_binary_is_a_binary_frame_on_websocket(app: App) -> None:
    with EngineIO(app.port) as client:
        client.send_text("40")
        client.packet(), client.packet()
        client.send_text('451-["message",{"_placeholder":true,"num":0}]')
        client.send_binary(b"\x01\x02\x03\x04")
        assert client.packet() == '451-["message-back",{"_placeholder":true,"num":0}]'
        assert client.receive() == (BINARY, b"\x01\x02\x03\x04")


@pytest.mark.parametrize("payload", ["abc", "9", "", "4a\x1e", "b!!!", "0{}"])
def test_a_malformed_payload_ends_a_polling_session(app: App, payload: str) -> None:
    with Poller(app.port) as client:
        client.post("40\x1e" + payload)
        assert get(app, client.target).json() == {"code": 1, "message": "Session ID unknown"}


@pytest.mark.parametrize("text", ["abc", "9", "", "0{}", "2"])
def test_a_malformed_packet_ends_a_websocket(app: App, text: str) -> None:
    with EngineIO(app.port) as client:
        client.send_text(text)
        assert client.end() == 1008 if text not in ("0{}", "2") else 1000


def test_a_payload_above_max_payload_is_413_and_the_session_stays(app: App) -> None:
    with Poller(app.port) as client:
        with Wire(app.port) as wire:
            assert wire.request("POST", client.target, body=b"4" * 1_000_001).status == 413
        assert client.post("40") == 200


def test_a_message_above_max_payload_closes_a_websocket_with_1009(app: App) -> None:
    with EngineIO(app.port) as client:
        client.send_text("4" * 1_000_001)
        assert client.end() == 1009


@pytest.mark.parametrize("first", ["GET", "POST"])
def test_two_requests_of_one_kind_at_once_end_the_session(app: App, first: str) -> None:
    with Poller(app.port) as client, Wire(app.port) as one, Wire(app.port) as two:
        whole = head(first, client.target, body=b"40" if first == "POST" else b"")
        # All of a GET, which hangs; all but the end of a POST.
        one.send(whole if first == "GET" else whole[:-1])
        settle(app)
        two.send(whole)
        assert two.response().status == 400
        assert get(app, client.target).status == 400


# -- heartbeat -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["polling", "websocket"])
def test_the_server_pings_every_interval_and_waits_for_the_pong(quick: App, door: str) -> None:
    started = monotonic()
    with Poller(quick.port) if door == "polling" else EngineIO(quick.port) as client:
        for _ in range(3):
            if isinstance(client, Poller):
                assert client.poll() == "2"
                assert client.post("3") == 200
            else:
                assert client.receive() == (TEXT, b"2")
                client.send_text("3")
        assert 3 * PING_INTERVAL <= monotonic() - started < 3 * PING_INTERVAL + LATE


@pytest.mark.parametrize("door", ["polling", "websocket"])
def test_a_client_that_sends_no_pong_is_closed_after_the_time_out(quick: App, door: str) -> None:
    started = monotonic()
    with Poller(quick.port) if door == "polling" else EngineIO(quick.port) as client:
        if isinstance(client, Poller):
            assert client.poll() == "2"
            assert client.poll() == "1"
            with pytest.raises(Over) as over:
                client.poll()
            assert over.value.code == 1
        else:
            assert client.receive() == (TEXT, b"2")
            client.end()
        assert PING_INTERVAL + PING_TIMEOUT <= monotonic() - started < PING_INTERVAL + PING_TIMEOUT + LATE


# -- close ---------------------------------------------------------------------------------------------------


def test_a_client_that_closes_by_post_ends_its_pending_poll(app: App) -> None:
    with Poller(app.port) as client, Wire(app.port) as pending:
        hang(app, client, pending)
        assert client.post("1") == 200
        assert pending.response().status == 200
        assert get(app, client.target).json()["code"] == 1


def test_a_client_that_closes_on_websocket_is_closed(app: App) -> None:
    with EngineIO(app.port) as client:
        client.send_text("1")
        client.end()


# -- upgrade -------------------------------------------------------------------------------------------------


def upgraded(app: App) -> tuple[Poller, WebSocket]:
    """A session that has moved."""
    poller = Poller(app.port)
    socket = WebSocket(app.port, f"{WEBSOCKET}&sid={poller.sid}")
    socket.send_text("2probe")
    assert socket.text() == "3probe"
    socket.send_text("5")
    return poller, socket


def test_a_session_moves_from_polling_to_websocket(app: App) -> None:
    with Poller(app.port) as poller, Wire(app.port) as pending:
        hang(app, poller, pending)
        with WebSocket(app.port, f"{WEBSOCKET}&sid={poller.sid}") as socket:
            socket.send_text("2probe")
            assert socket.text() == "3probe"
            assert pending.response().body == b"6"
            socket.send_text("5")
            socket.send_text("40")
            assert socket.text().startswith('40{"sid":')


def test_requests_of_a_session_that_has_moved_are_refused_and_it_stays(app: App) -> None:
    poller, socket = upgraded(app)
    with poller, socket:
        assert poller.post("40") == 400
        assert get(app, poller.target).status == 400
        with WebSocket(app.port, f"{WEBSOCKET}&sid={poller.sid}") as second:
            second.end()
        socket.send_text("40")
        assert socket.text().startswith('40{"sid":')


def test_a_probe_that_is_none_is_closed_and_the_session_stays(app: App) -> None:
    with Poller(app.port) as poller:
        with WebSocket(app.port, f"{WEBSOCKET}&sid={poller.sid}") as socket:
            socket.send_text("5")
            socket.end()
        assert poller.post("40") == 200
