"""``allow_request`` and everything else that may go wrong between HTTP and a connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import capturedLogs

from tests.engineio.knocking import BAD_REQUEST, DOORS, FORBIDDEN, POLLING, error, knock
from tests.support.engines import Gateway
from tests.support.websockets import client_frame
from yekta.engineio.errors import Refusal
from yekta.web.origins import Origins
from yekta.web.request import Request

Start = Callable[..., Gateway]


async def _later(deferred: Deferred[bool]) -> bool:
    return await deferred


@DOORS
@pytest.mark.parametrize("kind", ["sync", "Deferred", "coroutine"])
@pytest.mark.parametrize("allowed", [True, False])
def test_allow_request_decides(start: Start, door: str, kind: str, allowed: bool) -> None:
    asked: list[Request] = []

    def allow(request: Request) -> bool | Awaitable[bool]:
        asked.append(request)
        if kind == "sync":
            return allowed
        return succeed(allowed) if kind == "Deferred" else _later(succeed(allowed))

    gateway = start(allow_request=allow)
    answer = knock(gateway, door, "&token=a", {"X-Client": "b"})
    assert (asked[0].query["token"], asked[0].headers["x-client"]) == ("a", "b")
    assert len(asked) == 1
    if allowed:
        assert answer.status == (200 if door == "polling" else 101)
    else:
        assert error(answer) == FORBIDDEN
        assert gateway.users == []


@DOORS
def test_allow_request_may_take_its_time(start: Start, door: str) -> None:
    waiting: Deferred[bool] = Deferred()
    gateway = start(allow_request=lambda request: waiting)
    client = gateway.ask(POLLING) if door == "polling" else gateway.websocket().http
    assert client.answer() is None
    assert gateway.users == []
    waiting.callback(True)
    assert client.next_answer().status == (200 if door == "polling" else 101)
    assert len(gateway.users) == 1


@DOORS
def test_allow_request_refuses_with_a_real_status(start: Start, door: str) -> None:
    def refuse(request: Request) -> bool:
        raise Refusal(4, "Too many requests", status=429, retry_after=7)

    gateway = start(allow_request=refuse, origins=Origins(["https://app.example"]))
    answer = knock(gateway, door, headers={"Origin": "https://app.example"})
    assert error(answer) == (429, {"code": 4, "message": "Too many requests"})
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["access-control-expose-headers"] == "Retry-After"


@DOORS
@pytest.mark.parametrize("kind", ["sync", "Deferred"])
def test_a_failing_allow_request_is_logged_and_tells_the_client_nothing(start: Start, door: str, kind: str) -> None:
    def explode(request: Request) -> Deferred[bool]:
        if kind == "Deferred":
            return fail(RuntimeError("secret"))
        raise RuntimeError("secret")

    with capturedLogs() as lines:
        answer = knock(start(allow_request=explode), door)
    assert error(answer) == BAD_REQUEST
    assert b"secret" not in answer.body
    assert [line["log_failure"].type for line in lines] == [RuntimeError]


@DOORS
def test_a_client_that_leaves_while_it_is_being_admitted_leaves_nothing(start: Start, door: str) -> None:
    cancelled: list[bool] = []
    waiting: Deferred[bool] = Deferred(lambda _: cancelled.append(True))
    gateway = start(allow_request=lambda request: waiting)
    with capturedLogs() as lines:
        client = gateway.ask(POLLING) if door == "polling" else gateway.websocket().http
        client.hang_up()
        gateway.turn()
    assert cancelled == [True]
    assert gateway.users == []
    assert lines == []


def test_a_handshake_without_a_key_is_refused_and_leaves_nothing(gateway: Gateway) -> None:
    with capturedLogs() as lines:
        socket = gateway.websocket(headers={"Sec-WebSocket-Key": "short"})
        gateway.turn()
    assert socket.answer is not None
    assert socket.answer.status == 400
    assert socket.transport.lost
    assert gateway.users == []
    assert lines == []


FRAMES = st.builds(client_frame, st.integers(0, 15), st.binary(max_size=50) | st.text("0123456b").map(str.encode))
PAYLOADS = st.text("0123456b\x1e").map(str.encode)


@settings(max_examples=60, deadline=None)
@given(st.lists(FRAMES | st.binary(max_size=50), max_size=6), st.binary(max_size=100) | PAYLOADS)
def test_random_bytes_end_in_a_clean_close_and_others_never_notice(frames: list[bytes], payload: bytes) -> None:
    gateway = Gateway()
    healthy = gateway.websocket()
    with capturedLogs() as lines:
        poller = gateway.open()
        probe, socket = poller.probe(), gateway.websocket()
        for frame in frames:
            probe.send(frame)
            socket.send(frame)
        poller.request("POST", payload)
        gateway.turn()
    healthy.send_text("4still here")
    assert gateway.users[0].told == [("message", "still here")]
    assert lines == []
    gateway.end()
