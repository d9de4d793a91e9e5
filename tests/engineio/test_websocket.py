"""WebSocket as a transport (reference: heartbeat and ws edges)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.engines import Gateway, User
from tests.support.library import Library, SocketClient
from tests.support.websockets import BINARY, TEXT
from yekta.engineio.packet import Packet

Start = Callable[..., Gateway]


def echo(user: User, data: Packet) -> None:
    user.connection.send(data)


def test_each_packet_is_one_message(start: Start) -> None:
    gateway = start(echo)
    socket = gateway.websocket()
    socket.send_text("4سلام")
    socket.send_binary(b"\x00\xff")
    assert gateway.user.messages() == ["سلام", b"\x00\xff"]
    assert socket.frames()[1:] == [(TEXT, "4سلام".encode()), (BINARY, b"\x00\xff")]


@pytest.mark.parametrize("query", ["", "&b64=1"])
def test_a_client_may_write_bytes_as_text_and_is_answered_so_where_it_asks(start: Start, query: str) -> None:
    gateway = start(echo)
    socket = gateway.websocket("EIO=4&transport=websocket" + query)
    socket.send_text("bAP8=")
    socket.send_text("b")
    assert gateway.user.messages() == [b"\x00\xff", b""]
    assert socket.frames()[1:] == (
        [(TEXT, b"bAP8="), (TEXT, b"b")] if query else [(BINARY, b"\x00\xff"), (BINARY, b"")]
    )


@pytest.mark.parametrize("text", ["9", "abc", "", " 4a", "bA", "bAP8=\n", "b٤", "٤"])
def test_an_unknown_type_is_a_parse_error(gateway: Gateway, text: str) -> None:
    socket = gateway.websocket()
    socket.send_text(text)
    assert gateway.user.reasons() == ["parse error"]
    assert socket.close() == (1008, "")


def test_a_client_s_close_packet_ends_the_websocket_too(gateway: Gateway) -> None:
    socket = gateway.websocket()
    socket.send_text("1")
    assert gateway.user.reasons() == ["transport close"]
    assert socket.close() is not None


def test_a_client_s_ping_ends_the_websocket_too(gateway: Gateway) -> None:
    socket = gateway.websocket()
    socket.send_text("2")
    assert gateway.user.reasons() == ["transport error"]
    assert socket.close() is not None


def test_a_message_over_max_payload_closes_with_1009_and_an_empty_reason(start: Start) -> None:
    gateway = start(max_payload=100)
    socket = gateway.websocket()
    socket.send_text("4" + "a" * 99)
    socket.send_text("4" + "a" * 100)
    assert gateway.user.messages() == ["a" * 99]
    assert socket.close() == (1009, "")


@pytest.mark.parametrize("answers", [True, False], ids=["it answers", "it is gone"])
def test_a_client_that_breaks_the_protocol_of_websocket_is_a_transport_error(start: Start, answers: bool) -> None:
    gateway = start(max_payload=100)
    socket = gateway.websocket()
    socket.send_text("4" + "a" * 100)
    if answers:
        socket.send_close(1009)
        gateway.turn()
    else:
        socket.transport.lose()
    assert gateway.user.told == [("lost", "transport error", "protocol violated")]


@pytest.mark.parametrize("leave", ["close", "cut"])
def test_a_client_that_leaves_is_a_transport_close(gateway: Gateway, leave: str) -> None:
    socket = gateway.websocket()
    if leave == "close":
        socket.send_close()
        gateway.turn()
    else:
        socket.transport.lose()
    assert gateway.user.reasons() == ["transport close"]


def test_a_server_s_close_delivers_what_was_sent_before(gateway: Gateway) -> None:
    socket = gateway.websocket()
    gateway.user.connection.send("last")
    gateway.user.connection.close()
    assert socket.texts()[1:] == ["4last"]
    assert socket.close() == (1000, "")
    assert gateway.user.reasons() == ["forced close"]


def test_without_close_codes_the_close_is_as_bare_as_node_s(start: Start) -> None:
    gateway = start(close_codes=False)
    socket = gateway.websocket()
    gateway.user.connection.close()
    assert socket.close() == (1005, "")


@pytest.mark.parametrize("state", ["probed", "idle"])
def test_without_close_codes_a_probe_that_comes_to_nothing_has_none_either(start: Start, state: str) -> None:
    client = start(close_codes=False).open()
    first = client.probe()
    if state == "probed":
        first.send_text("no probe")
        assert first.close() == (1005, "")
    else:
        assert client.probe().close() == (1005, "")


def test_a_client_that_does_not_read_is_cut_as_a_slow_consumer(start: Start) -> None:
    gateway = start(max_queued=1000)
    socket = gateway.websocket()
    connection = gateway.user.connection
    assert connection.flowing
    socket.transport.congest()
    assert not connection.flowing
    for _ in range(20):
        connection.send("a" * 100)
    gateway.turn()
    assert gateway.user.told == [("lost", "transport error", "slow consumer")]


def test_a_client_that_reads_again_drains(gateway: Gateway) -> None:
    socket = gateway.websocket()
    socket.transport.congest()
    gateway.user.connection.send("a")
    assert gateway.user.drains == 0
    socket.transport.relieve()
    assert gateway.user.drains == 1
    assert socket.texts()[1:] == ["4a"]


@pytest.mark.parametrize("one", [False, True], ids=["broadcast", "one"])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("threshold", [None, 1024])
@pytest.mark.parametrize("kind", ["websocket", "upgraded"])
@pytest.mark.parametrize(("protocol", "text"), [(4, b"bAQ=="), (3, b"b4AQ==")])
def test_whoever_asks_for_bytes_as_text_never_gets_them_otherwise(
    protocol: int, text: bytes, kind: str, threshold: int | None, compress: bool, one: bool
) -> None:
    library = Library(allow_eio3=True, deflate_threshold=threshold)
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    client = library.client(kind, "&b64=1", protocol=protocol, headers=headers)
    assert isinstance(client, SocketClient)
    if protocol == 4:
        client.say("0")
    client.heard()
    (socket,) = library.server.sockets.sockets.values()
    (socket if one else library.server).compress(compress).emit("b", b"\x01")
    library.turn()
    assert client.websocket.frames()[-1] == (TEXT, text)
    library.end()
