"""Whoever waits for the AI by REST waits no longer than the session lasts, wherever it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

from tests.support.doors import House, house
from tests.support.gateway import hash_of
from tests.support.patience import soon
from tests.support.rest import call
from tests.support.sessions import World, world
from tests.support.websocket_raw import RawNative
from yekta.app.sessions import LOGGED_OUT
from yekta.edge.login import NotAuthenticated
from yekta.edge.session_requests import SessionRequests

__all__ = ["house", "world"]

reactor: Any = _reactor

CHAT, STREAM = "/api/ai/chat", "/api/ai/stream/m"
EVENTS = {"Accept": "text/event-stream"}


async def by_logout(house: House, token: str) -> None:
    await call(house, "POST", "/api/auth/logout", {}, token=token)


async def in_another_process(house: House, token: str) -> None:
    await house.gateway.store.end(hash_of(token), LOGGED_OUT, reactor.seconds())


ends = pytest.mark.parametrize("end", [by_logout, in_another_process])
End = Callable[[House, str], Awaitable[None]]


@ends
@pytest_twisted.ensureDeferred
async def test_a_stream_ends_with_its_session_and_the_answer_goes_on(house: House, end: End) -> None:
    token, _ = await house.gateway.acquire()
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?", "messageId": "m"}, token=token, headers=EVENTS))
    generation = await house.gateway.provider.asked()
    generation.say("before")
    resumed = await RawNative.open(house.gateway.api_address)
    resumed.transport.write(f"GET {STREAM}?token={token} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    await resumed.has_received(b'"before"')
    await end(house, token)
    answer = await soon(asked)
    assert answer.status == 200
    assert [line for line in answer.text.splitlines() if line.startswith("event")] == ["event: start", "event: chunk"]
    await resumed.has_received(b"\r\n0\r\n\r\n")
    resumed.transport.loseConnection()
    assert not generation.is_cancelled
    generation.say("after")
    generation.finish()
    assert (await call(house, "GET", STREAM, token=token)).status == 401


@ends
@pytest_twisted.ensureDeferred
async def test_whoever_waits_for_a_whole_answer_is_refused_when_the_session_ends(house: House, end: End) -> None:
    token, _ = await house.gateway.acquire()
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?"}, token=token))
    generation = await house.gateway.provider.asked()
    generation.say("secret")
    await end(house, token)
    answer = await soon(asked)
    assert (answer.status, answer.json["error"]) == (401, "Invalid or expired session token")
    assert not generation.is_cancelled
    generation.finish()


@pytest_twisted.ensureDeferred
async def test_a_stream_ends_when_its_session_expires(house: House) -> None:
    token = await house.gateway.acquire_until(reactor.seconds() + 0.3)
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?"}, token=token, headers=EVENTS))
    generation = await house.gateway.provider.asked()
    assert "complete" not in (await soon(asked)).text
    generation.finish()


@pytest_twisted.ensureDeferred
async def test_the_end_of_another_session_is_nobodys(house: House) -> None:
    (token, _), (other, _) = await house.gateway.acquire(), await house.gateway.acquire()
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?"}, token=token))
    generation = await house.gateway.provider.asked()
    await by_logout(house, other)
    generation.say("yes")
    generation.finish()
    assert (await asked).json["response"] == "yes"


def test_what_is_awaited_is_given_and_nothing_is_held_any_more(world: World) -> None:
    requests = SessionRequests(world.here.sessions)
    token, session = world.here.acquire()
    awaited: list[Deferred[str]] = [Deferred() for _ in range(4)]
    got: list[Any] = []
    waiting = [ensureDeferred(requests.wait(session, each)).addBoth(got.append) for each in awaited[:3]]
    ensureDeferred(requests.wait(None, awaited[3])).addBoth(got.append)
    awaited[0].callback("a")
    awaited[1].errback(ZeroDivisionError())
    waiting[2].cancel()
    awaited[3].callback("d")
    assert [getattr(each, "type", each) for each in got] == ["a", ZeroDivisionError, CancelledError, "d"]
    assert requests._awaited == {}
    # Of a session that nothing holds no end is reported.
    ensureDeferred(world.here.sessions.end(token))
    assert world.here.heard == []


def test_one_that_has_ended_just_before_is_not_waited_for(world: World) -> None:
    requests = SessionRequests(world.here.sessions)
    token, session = world.here.acquire()
    ensureDeferred(world.here.sessions.end(token))
    got: list[Any] = []
    ensureDeferred(requests.wait(session, Deferred())).addErrback(lambda failure: got.append(failure.type))
    world.clock.advance(0)
    assert got == [NotAuthenticated]
