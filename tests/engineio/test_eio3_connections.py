"""Clients of Engine.IO 3 and Socket.IO 2 (reference: EIO3 / Socket.IO v2 compatibility)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.library import PATH, Library, PollingClient, SocketClient
from yekta.engineio import eio3
from yekta.socketio.errors import ConnectError
from yekta.socketio.socket import Socket

KINDS = pytest.mark.parametrize("kind", ["polling", "websocket", "upgraded"])


@pytest.fixture
def library() -> Iterator[Library]:
    library = Library(allow_eio3=True)
    yield library
    library.end()


def body(library: Library, query: str, **more: Any) -> str:
    answer = library.ask(f"EIO=3&transport=polling{query}", **more).next_answer()
    assert answer.status == 200
    return answer.body.decode()


def polling(library: Library, query: str = "") -> PollingClient:
    client = library.client("polling", query, protocol=3)
    assert isinstance(client, PollingClient)
    client.heard()
    return client


def test_eio3_is_refused_unless_allowed() -> None:
    library = Library()
    answer = library.ask("EIO=3&transport=polling").next_answer()
    assert json.loads(answer.body)["code"] == 5
    library.end()


def test_eio_4_goes_on_beside_it(library: Library) -> None:
    assert "maxPayload" in library.client("polling").handshake


@pytest.mark.parametrize("eio", ["EIO=3&", ""])
def test_a_client_that_names_no_protocol_speaks_3(library: Library, eio: str) -> None:
    answer = library.ask(f"{eio}transport=polling").next_answer()
    length, _, rest = answer.body.decode().partition(":")
    handshake = json.loads(rest[1 : int(length)])
    assert list(handshake) == ["sid", "upgrades", "pingInterval", "pingTimeout"]
    assert rest[int(length) :] == "2:40"


@KINDS
def test_the_main_namespace_needs_no_connect(library: Library, kind: str) -> None:
    client = library.client(kind, protocol=3)
    assert client.heard() == ["0"]
    assert list(library.server.sockets.sockets) == [client.handshake["sid"]]


@KINDS
def test_other_namespaces_get_auth_from_their_query_and_an_id_from_the_connection(library: Library, kind: str) -> None:
    library.server.of("/q")
    client = library.client(kind, protocol=3)
    client.heard()
    client.say("0/q?token=x%20y")
    assert client.heard() == ["0/q,"]
    (socket,) = library.server.of("/q").sockets.values()
    assert socket.id == f"/q#{client.handshake['sid']}"
    assert socket.handshake.auth == {"token": "x y"}


def test_a_query_of_too_many_fields_breaks_the_protocol(library: Library) -> None:
    client = library.client(protocol=3)
    client.say("0/q?" + "&" * 100)
    assert not client.open


@pytest.mark.parametrize(
    ("error", "said"), [(ConnectError("no"), '4"no"'), (ConnectError("no", {"why": 1}), '4{"why":1}')]
)
@KINDS
def test_a_refusal_is_the_message_or_its_data(library: Library, kind: str, error: ConnectError, said: str) -> None:
    @library.server.use
    def refuse(socket: Socket) -> None:
        raise error

    assert library.client(kind, protocol=3).heard() == [said]


@KINDS
def test_events_bytes_and_acknowledgements_both_ways(library: Library, kind: str) -> None:
    heard: list[Any] = []

    @library.server.on_connection
    def connected(socket: Socket) -> None:
        @socket.on("hello")
        def hello(*args: Any) -> tuple[Any, ...]:
            heard.append(args)
            return "سلام 😀", b"\x01\x02"

    client = library.client(kind, protocol=3)
    client.heard()
    client.say('51-7["hello",{"_placeholder":true,"num":0},"😀"]', b"\xfa\x00")
    assert heard == [(b"\xfa\x00", "😀")]
    assert client.heard() == ['61-7["سلام 😀",{"_placeholder":true,"num":0}]', b"\x01\x02"]
    library.server.emit("news", b"")
    assert client.heard() == ['51-["news",{"_placeholder":true,"num":0}]', b""]


def test_bytes_are_sent_as_they_are_unless_the_client_asks_for_base64(library: Library) -> None:
    client = polling(library)
    library.server.emit("b", b"\x01\x02\x03")
    answer = client.request("GET").next_answer()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.body.endswith(b"\x01\x04\xff\x04\x01\x02\x03")
    client.cut()
    client = polling(library, "&b64=1")
    library.server.emit("b", b"\x01\x02\x03")
    answer = client.request("GET").next_answer()
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert answer.body.endswith(b"6:b4AQID")


@pytest.mark.parametrize("one", [False, True], ids=["broadcast", "one"])
def test_bytes_are_marked_as_a_message_where_they_are_not_worth_compressing(one: bool) -> None:
    library = Library(allow_eio3=True, deflate_threshold=1024)
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    client = library.client(protocol=3, headers=headers)
    assert isinstance(client, SocketClient)
    (socket,) = library.server.sockets.sockets.values()
    (socket if one else library.server).compress(False).emit("b", b"\x01")
    assert client.websocket.frames()[-1] == (2, b"\x04\x01")
    library.end()


def test_a_post_may_be_bytes(library: Library) -> None:
    heard: list[Any] = []
    library.server.on_connection(lambda socket: socket.on("hello")(heard.append))
    client = polling(library)
    _, payload = eio3.encode_payload(['451-["hello",{"_placeholder":true,"num":0}]', b"\xff"], binary=True)
    posted = client.request("POST", payload, {"Content-Type": "application/octet-stream"}).next_answer()
    assert (posted.status, posted.body, heard) == (200, b"ok", [b"\xff"])


@pytest.mark.parametrize("payload", [b"", b"3:40", b"9:4", b"\xff", b"2:4"])
def test_a_malformed_post_ends_the_connection(library: Library, payload: bytes) -> None:
    client = polling(library)
    answer = client.post(payload)
    assert (answer.status, json.loads(answer.body)["code"]) == (400, 3)
    assert not client.open


@pytest.mark.parametrize("frame", [b"", b"\x00", b"4a", b"\x05a"])
def test_a_malformed_frame_ends_the_connection(library: Library, frame: bytes) -> None:
    client = library.client(protocol=3)
    assert isinstance(client, SocketClient)
    client.websocket.send_binary(frame)
    assert not client.open
    assert client.closing() == 1008


# -- heartbeats: the client pings ----------------------------------------------------------------------------


@KINDS
def test_the_client_pings_and_is_answered_with_what_it_said(library: Library, kind: str) -> None:
    client = library.client(kind, protocol=3)
    client.packets()
    (connection,) = library.server.engine.connections.values()
    beats: list[int] = []
    connection.hooks.on("heartbeat")(lambda: beats.append(1))
    client.send("2", "2probe")
    assert client.packets() == ["3", "3probe"]
    assert len(beats) == 2


@KINDS
def test_the_server_does_not_ping_and_waits_interval_and_timeout(kind: str) -> None:
    library = Library(allow_eio3=True, ping_interval=25.0, ping_timeout=20.0)
    lost: list[str] = []
    library.server.on_connection(lambda socket: socket.on("disconnect")(lost.append))
    client = library.client(kind, protocol=3)
    client.packets()
    library.clock.advance(44.0)
    client.send("2")
    assert client.packets() == ["3"]
    library.clock.advance(44.0)
    assert client.packets() in ([], ["6"])
    assert client.open
    library.clock.advance(2.0)
    assert lost == ["ping timeout"]
    library.end()


def test_a_pong_does_not_count_as_a_ping(library: Library) -> None:
    client = library.client(protocol=3)
    client.send("3")
    assert not client.open


# -- JSONP, which only they use ------------------------------------------------------------------------------


def test_jsonp_carries_payloads_with_lengths(library: Library) -> None:
    script = body(library, "&j=4")
    assert script.startswith("___eio[4](")
    sid = json.loads(json.loads(script[len("___eio[4](") : -2]).partition("0")[2].partition("2:40")[0])["sid"]
    heard: list[Any] = []
    next(iter(library.server.sockets.sockets.values())).on("hello")(heard.append)
    posted = library.http()
    form = b"d=15%3A42%5B%22hello%22%2C%22%C3%A9%22%5D"
    posted.request("POST", f"{PATH}?EIO=3&transport=polling&j=4&sid={sid}", {}, form)
    assert posted.answer() is not None
    assert heard == ["é"]


def test_jsonp_carries_bytes_as_base64(library: Library) -> None:
    body(library, "&j=4")
    (socket,) = library.server.sockets.sockets.values()
    library.server.emit("b", b"\x01\x02\x03")
    script = body(library, f"&j=5&sid={socket.client.connection.sid}")
    assert script == '___eio[5]("39:451-[\\"b\\",{\\"_placeholder\\":true,\\"num\\":0}]6:b4AQID");'
