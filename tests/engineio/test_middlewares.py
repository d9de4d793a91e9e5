"""Middlewares of the engine: asked about every request, at both doors (reference: row 18)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import capturedLogs

from tests.engineio.knocking import BAD_REQUEST, DOORS, FORBIDDEN, POLLING, UNKNOWN_SID, error, knock
from tests.support.engines import Gateway
from yekta.engineio.errors import Refusal
from yekta.web.request import Request

Start = Callable[..., Gateway]


def accepted(door: str) -> int:
    return 200 if door == "polling" else 101


@DOORS
def test_they_are_asked_in_order_and_may_add_headers(gateway: Gateway, door: str) -> None:
    asked: list[str] = []

    @gateway.engine.use
    def first(request: Request, headers: dict[str, str]) -> None:
        asked.append(request.query["token"])
        headers["X-Served-By"] = "first"

    @gateway.engine.use
    async def second(request: Request, headers: dict[str, str]) -> None:
        asked.append(headers["X-Served-By"])
        headers["X-Served-By"] = await succeed("second")

    answer = knock(gateway, door, "&token=x")
    assert (answer.status, answer.headers["x-served-by"]) == (accepted(door), "second")
    assert asked == ["x", "first"]


def test_they_are_asked_about_every_request_of_a_connection(gateway: Gateway) -> None:
    asked: list[tuple[str, str]] = []
    gateway.engine.use(lambda request, headers: asked.append((request.method, request.query["transport"])))
    client = gateway.open()
    client.post("4a")
    client.poll()
    client.probe()
    assert asked == [("GET", "polling"), ("POST", "polling"), ("GET", "polling"), ("GET", "websocket")]
    assert gateway.user.messages() == ["a"]


@DOORS
@pytest.mark.parametrize("kind", ["sync", "Deferred", "coroutine"])
def test_one_that_fails_is_logged_and_the_client_gets_code_3(start: Start, door: str, kind: str) -> None:
    gateway, told = start(), []
    gateway.engine.hooks.on("connection_error")(lambda request, refusal: told.append(refusal.reason))

    def sync(request: Request, headers: dict[str, str]) -> None:
        raise RuntimeError("secret")

    async def coroutine(request: Request, headers: dict[str, str]) -> None:
        raise RuntimeError("secret")

    functions = {"sync": sync, "Deferred": lambda *_: fail(RuntimeError("secret")), "coroutine": coroutine}
    gateway.engine.use(functions[kind])
    with capturedLogs() as lines:
        answer = knock(gateway, door)
    assert error(answer) == BAD_REQUEST
    assert b"secret" not in answer.body
    assert told == ["MIDDLEWARE_FAILURE"]
    assert [line["log_failure"].type for line in lines] == [RuntimeError]
    assert gateway.users == []


@DOORS
@pytest.mark.parametrize(
    ("refusal", "status", "retry_after"),
    [
        (Refusal(4, "Log in first", status=401), 401, None),
        (Refusal(4, "Not you", status=403), 403, None),
        (Refusal(4, "Too many requests", status=429, retry_after=2.6), 429, "3"),
        (Refusal(4, "Maintenance", status=503, retry_after=60), 503, "60"),
    ],
    ids=["401", "403", "429", "503"],
)
@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_a_refusal_is_a_real_status_at_either_door(
    gateway: Gateway, door: str, refusal: Refusal, status: int, retry_after: str | None, later: bool
) -> None:
    waiting: Deferred[None] = Deferred()

    @gateway.engine.use
    async def refuse(request: Request, headers: dict[str, str]) -> None:
        if later:
            await waiting
        raise refusal

    client = gateway.ask(POLLING) if door == "polling" else gateway.websocket().http
    if later:
        waiting.callback(None)
    sent = b"".join(client.transport.writes).decode()
    head, _, body = sent.partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert json.loads(body) == {"code": 4, "message": refusal.message}
    assert (f"Retry-After: {retry_after}" in head) is (retry_after is not None)
    assert gateway.users == []


@DOORS
def test_those_after_a_refusal_are_not_asked(gateway: Gateway, door: str) -> None:
    asked: list[Any] = []

    @gateway.engine.use
    def refuse(request: Request, headers: dict[str, str]) -> None:
        raise Refusal(4, "Forbidden", status=403)

    gateway.engine.use(lambda request, headers: asked.append(request))
    assert error(knock(gateway, door)) == FORBIDDEN
    assert asked == []


def test_a_refused_request_of_a_connection_leaves_it_alone(gateway: Gateway) -> None:
    client = gateway.open()

    @gateway.engine.use
    def refuse(request: Request, headers: dict[str, str]) -> None:
        raise Refusal(4, "Forbidden", status=403)

    assert client.post("4a").status == 403
    assert client.poll().answer() is not None
    assert gateway.user.told == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_ends_while_its_request_is_being_admitted_is_unknown(gateway: Gateway, method: str) -> None:
    client = gateway.open()
    waiting: Deferred[None] = Deferred()
    gateway.engine.use(lambda request, headers: waiting)
    request = client.request(method, b"4a" if method == "POST" else b"")
    gateway.user.connection.fail("transport error", "gone")
    waiting.callback(None)
    gateway.turn()
    assert error(request.next_answer()) == UNKNOWN_SID


def test_a_connection_that_ends_while_its_upgrade_is_being_admitted_is_unknown(gateway: Gateway) -> None:
    client = gateway.open()
    waiting: Deferred[None] = Deferred()
    gateway.engine.use(lambda request, headers: waiting)
    probe = client.probe()
    gateway.user.connection.fail("transport error", "gone")
    waiting.callback(None)
    gateway.turn()
    assert error(probe.http.next_answer()) == UNKNOWN_SID


def test_a_connection_that_upgrades_while_its_poll_is_being_admitted_takes_no_poll(gateway: Gateway) -> None:
    client = gateway.open()
    probe = client.probe()
    probe.send_text("2probe")
    waiting: Deferred[None] = Deferred()
    gateway.engine.use(lambda request, headers: waiting)
    poll = client.poll()
    probe.send_text("5")
    with capturedLogs() as lines:
        waiting.callback(None)
    assert (error(poll.next_answer()), lines) == (BAD_REQUEST, [])
    probe.send_text("4a")
    assert gateway.user.told == [("message", "a")]


def test_those_who_are_in_are_served_where_nobody_else_may_come(start: Start) -> None:
    asked: list[str] = []

    def allow(request: Request) -> bool:
        asked.append(request.query.get("sid", "a newcomer"))
        return True

    gateway = start(max_connections=1, allow_request=allow)
    gateway.engine.use(lambda request, headers: None)
    client = gateway.open()
    assert client.post("4a").status == 200
    client.upgrade().send_text("4b")
    assert gateway.user.messages() == ["a", "b"]
    assert asked == ["a newcomer"], "whether somebody may come in is asked once"


@DOORS
def test_a_client_that_leaves_meanwhile_cancels_what_is_being_thought(gateway: Gateway, door: str) -> None:
    cancelled: list[bool] = []
    waiting: Deferred[None] = Deferred(lambda _: cancelled.append(True))
    gateway.engine.use(lambda request, headers: waiting)
    with capturedLogs() as lines:
        client = gateway.ask(POLLING) if door == "polling" else gateway.websocket().http
        client.hang_up()
        gateway.turn()
    assert (cancelled, gateway.users, lines) == ([True], [], [])
