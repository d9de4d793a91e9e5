"""Looking on: events of the engine and of its connections (reference: rows 19 and 60)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.logger import capturedLogs

from tests.engineio.knocking import DOORS, POLLING, WEBSOCKET, knock
from tests.support.engines import Gateway, PollingClient
from yekta.engineio.connection import Connection
from yekta.engineio.errors import Refusal
from yekta.engineio.hooks import Hooks
from yekta.web.origins import Origins
from yekta.web.request import Request

Start = Callable[..., Gateway]


def test_everybody_who_looks_on_is_called_in_order_until_they_look_away() -> None:
    hooks, called = Hooks(), []

    @hooks.on("packet")
    def first(*args: Any) -> None:
        called.append(("first", args))

    hooks.on("packet")(lambda *args: called.append(("second", args)))
    hooks.fire("packet", 1, 2)
    hooks.off("packet", first)
    hooks.fire("packet")
    hooks.fire("nobody looks here")
    assert called == [("first", (1, 2)), ("second", (1, 2)), ("second", ())]


def test_whoever_looks_away_meanwhile_is_no_trouble() -> None:
    hooks, called = Hooks(), []

    @hooks.on("packet")
    def once() -> None:
        hooks.off("packet", once)
        called.append("once")

    hooks.on("packet")(lambda: called.append("always"))
    hooks.fire("packet")
    hooks.fire("packet")
    assert called == ["once", "always", "always"]


def test_one_that_fails_is_logged_and_keeps_nothing_from_anybody(gateway: Gateway) -> None:
    closed: list[str] = []

    @gateway.engine.hooks.on("connection")
    def watch(connection: Connection) -> None:
        @connection.hooks.on("close")
        def fail(*_: Any) -> None:
            raise RuntimeError("of the one who looks on")

        connection.hooks.on("close")(lambda reason, _: closed.append(reason))
        raise RuntimeError("too")

    with capturedLogs() as lines:
        clients = [gateway.open(), gateway.open()]
        gateway.engine.close()
    assert len(clients) == len(closed) == 2
    assert [line["log_failure"].type for line in lines] == [RuntimeError] * 4


# -- the engine ----------------------------------------------------------------------------------------------


def test_headers_of_the_handshake_and_of_every_answer_can_be_added_to(gateway: Gateway) -> None:
    asked: list[Request] = []

    @gateway.engine.hooks.on("initial_headers")
    def first(headers: dict[str, str], request: Request) -> None:
        headers["X-First"] = request.query["transport"]

    @gateway.engine.hooks.on("headers")
    def every(headers: dict[str, str], request: Request) -> None:
        headers["X-Every"] = request.method
        asked.append(request)

    client = gateway.open()
    handshake = gateway.clients[0]
    assert b"x-first: polling\r\n" in b"".join(handshake.transport.writes).lower()
    post = client.post("4a")
    assert "x-first" not in post.headers
    assert post.headers["x-every"] == "POST"
    answer = gateway.websocket().answer
    assert answer is not None
    assert (answer.status, answer.headers["x-first"], answer.headers["x-every"]) == (101, "websocket", "GET")
    assert [request.method for request in asked] == ["GET", "POST", "GET"]


@DOORS
def test_connection_is_told_once_the_handler_is_there(gateway: Gateway, door: str) -> None:
    told: list[Connection] = []

    @gateway.engine.hooks.on("connection")
    def connected(connection: Connection) -> None:
        assert connection.handler is gateway.user
        told.append(connection)

    knock(gateway, door)
    assert told == [gateway.user.connection]


@pytest.mark.parametrize(
    ("query", "reason", "code"),
    [
        ("EIO=4", None, 0),
        (f"{POLLING}&sid=x", None, 1),
        (WEBSOCKET, "TRANSPORT_HANDSHAKE_ERROR", 3),
        ("transport=polling", None, 5),
    ],
)
def test_connection_error_tells_the_request_the_code_and_the_context(
    gateway: Gateway, query: str, reason: str | None, code: int
) -> None:
    told: list[tuple[Request, Refusal]] = []
    gateway.engine.hooks.on("connection_error")(lambda request, refusal: told.append((request, refusal)))
    gateway.ask(query)
    ((request, refusal),) = told
    assert (refusal.code, refusal.reason) == (code, reason)
    assert request.path == "/socket.io/"


@DOORS
def test_connection_error_tells_of_an_origin_that_is_not_allowed(start: Start, door: str) -> None:
    gateway, told = start(origins=Origins(("http://app.example",))), []
    gateway.engine.hooks.on("connection_error")(lambda request, refusal: told.append((request.origin, refusal.code)))
    knock(gateway, door, headers={"Origin": "http://evil.example"})
    assert told == [("http://evil.example", 4)]


# -- one connection ------------------------------------------------------------------------------------------


def watched(gateway: Gateway) -> list[tuple[Any, ...]]:
    """All that connections tell from now on."""
    told: list[tuple[Any, ...]] = []

    @gateway.engine.hooks.on("connection")
    def watch(connection: Connection) -> None:
        for event in ("packet", "packetCreate", "drain", "heartbeat", "close"):
            connection.hooks.on(event)(lambda *args, event=event: told.append((event, *args)))
        connection.hooks.on("upgrade")(lambda transport: told.append(("upgrade", transport.name)))

    return told


def test_a_polling_connection_tells_its_packets_and_when_its_queue_is_empty(start: Start) -> None:
    gateway = start(then=lambda user, data: user.connection.send(b"\x01"))
    told = watched(gateway)
    client = gateway.open()
    told.clear()
    client.post("4hello")
    assert told == [("packet", "4hello"), ("packetCreate", b"\x01")]
    client.poll()
    gateway.turn()
    assert told[2:] == [("drain",)]
    client.post("1")
    assert told[3:] == [("packet", "1"), ("close", "transport close", "closed by the client")]


def answer_a_ping(gateway: Gateway, client: PollingClient) -> None:
    gateway.clock.advance(25.0)
    client.poll()
    client.post("3")


def beat(gateway: Gateway, door: str) -> None:
    """A client comes, and answers the first ping."""
    if door == "polling":
        answer_a_ping(gateway, gateway.open())
    else:
        socket = gateway.websocket()
        gateway.clock.advance(25.0)
        socket.send_text("3")


@DOORS
def test_whoever_looks_on_may_end_it(start: Start, door: str) -> None:
    gateway = start(ping_interval=25.0)
    gateway.engine.hooks.on("connection")(
        lambda connection: connection.hooks.on("packet")(lambda packet: connection.close(discard=True))
    )
    beat(gateway, door)
    assert [kind for kind, *_ in gateway.user.told] == ["lost"]
    gateway.turn()
    assert not gateway.engine.connections


@pytest.mark.parametrize("discard", [False, True])
@pytest.mark.parametrize("event", ["packet", "packetCreate", "drain", "heartbeat", "upgrade"])
def test_whoever_looks_on_may_end_it_whatever_is_told(start: Start, event: str, discard: bool) -> None:
    gateway = start(ping_interval=25.0)
    client = gateway.open()
    connection = gateway.user.connection
    connection.hooks.on(event)(lambda *_: connection.close(discard=discard))
    answer_a_ping(gateway, client)
    client.upgrade()
    gateway.turn()
    client.poll()
    assert gateway.user.told == [("lost", "forced close", "")]
    assert connection.express is None


@pytest.mark.parametrize("discard", [False, True])
@DOORS
def test_whoever_looks_on_may_end_what_the_client_ends(gateway: Gateway, door: str, discard: bool) -> None:
    gateway.engine.hooks.on("connection")(
        lambda connection: connection.hooks.on("packet")(lambda packet: connection.close(discard=discard))
    )
    if door == "polling":
        gateway.open().post("1")
    else:
        gateway.websocket().send_text("1")
    assert len(gateway.user.reasons()) == 1


@DOORS
def test_a_heartbeat_is_told_when_its_pong_came(start: Start, door: str) -> None:
    gateway = start(ping_interval=25.0)
    told = watched(gateway)
    beat(gateway, door)
    assert ("packetCreate", "2") in told
    assert told[-1] == ("heartbeat",)


def test_whoever_looks_on_may_end_a_client_that_polls_when_it_has_fetched_the_rest(start: Start) -> None:
    gateway = start(ping_interval=25.0, drain_timeout=10.0)

    @gateway.engine.hooks.on("connection")
    def watch(connection: Connection) -> None:
        @connection.hooks.on("packet")
        def end(packet: str | bytes) -> None:
            connection.send("bye")
            connection.close()

    beat(gateway, "polling")
    gateway.clock.advance(10.0)
    assert not gateway.engine.connections


def test_whoever_looks_on_may_end_it_at_once(gateway: Gateway) -> None:
    gateway.engine.hooks.on("connection")(lambda connection: connection.close(discard=True))
    assert gateway.ask("EIO=4&transport=polling").next_answer().status == 400


def test_an_upgrade_is_told_with_the_new_transport(gateway: Gateway) -> None:
    told = watched(gateway)
    gateway.open().upgrade()
    assert ("upgrade", "websocket") in told


def test_what_is_said_when_an_upgrade_is_told_comes_after_what_waits(gateway: Gateway) -> None:
    client = gateway.open()
    connection = gateway.user.connection
    connection.send("a")
    connection.hooks.on("upgrade")(lambda _: connection.send("b"))
    assert client.upgrade().texts() == ["3probe", "4a", "4b"]


def test_the_end_is_told_after_the_handler(gateway: Gateway) -> None:
    gateway.engine.hooks.on("connection")(
        lambda connection: connection.hooks.on("close")(lambda *_: gateway.user.told.append(("hook", "", "")))
    )
    gateway.websocket().http.hang_up()
    assert [kind for kind, *_ in gateway.user.told] == ["lost", "hook"]


def test_nothing_is_different_for_the_client_whether_somebody_looks_on_or_not(start: Start) -> None:
    sent = []
    for looks in (False, True):
        gateway = start(then=lambda user, data: user.connection.send(data))
        if looks:
            watched(gateway)
        socket = gateway.websocket()
        socket.send_text("4a")
        socket.send_binary(b"b")
        sent.append(socket.frames()[1:])
    assert sent[0] == sent[1] == [(1, b"4a"), (2, b"b")]
