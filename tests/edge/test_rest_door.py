"""REST with and without Klein: a plain request is answered as the same one that only twisted.web reads."""

from __future__ import annotations

import gc
import re
import tracemalloc
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.web.http import Request
from twisted.web.resource import IResource, Resource

from tests.support.clients import ABSENT
from tests.support.doors import House, house, reactor
from tests.support.http import Answer
from tests.support.memory import HttpClient
from tests.support.rest import call
from yekta.edge.site import render

__all__ = ["house"]

# No plain request has it.
BESIDE = {"TE": "trailers"}

PAGE = {"Origin": "http://localhost:5173"}
STRANGER = {"Origin": "https://evil.example"}
ACQUIRE, SESSION, LOGIN = "/api/auth/acquire-session", "/api/auth/session", "/api/auth/login"
AHMAD = {"name": "Ahmad", "email": "ahmad@example.org", "password": "a long password"}

ASKED: dict[str, tuple[Any, ...]] = {
    "the root": ("GET", "/"),
    "life": ("GET", "/health"),
    "life, with a slash": ("GET", "/health/"),
    "readiness": ("GET", "/health/ready"),
    "how to connect": ("GET", "/websocket-info"),
    "the document": ("GET", "/api-docs/openapi.json"),
    "the events": ("GET", "/api-docs/asyncapi.json"),
    "a session": ("POST", ACQUIRE, {}),
    "a session for a page": ("POST", ACQUIRE, {}, PAGE),
    "a session for a stranger's page": ("POST", ACQUIRE, {}, STRANGER),
    "a session without a body": ("POST", ACQUIRE, b""),
    "no token": ("GET", SESSION),
    "a bad token": ("GET", f"{SESSION}?token=bad"),
    "too many fields": ("GET", SESSION + "?" + "&".join(f"a{number}=1" for number in range(80))),
    "broken JSON": ("POST", ACQUIRE, b"{"),
    "no object": ("POST", ACQUIRE, b"[]"),
    "another type": ("POST", ACQUIRE, b"{}", {"Content-Type": "text/plain"}),
    "a missing field": ("POST", LOGIN, {"identifier": "nobody"}),
    "nobody": ("POST", LOGIN, {"identifier": "nobody", "password": "a long password"}),
    "an account": ("POST", "/api/auth/register", {**AHMAD, "type": "admin"}),
    "nobody leaves": ("POST", "/api/auth/logout", {}),
    "the AI": ("GET", "/api/ai/status"),
    "another method": ("POST", "/health", {}),
    "another path": ("GET", "/nowhere"),
    "an escaped path": ("GET", "/h%65alth"),
}

# What Klein is to find out.
KLEINS = ("too many fields", "another method", "another path", "an escaped path")

_CHANGING = re.compile(r'"(token|expiresAt|timestamp)":"[^"]*"')


def shown(answer: Answer) -> tuple[int, dict[str, str], str]:
    """All of an answer but for what is never twice the same."""
    unlike = ("date", "content-length")
    headers = {name: value for name, value in answer.headers.items() if name not in unlike}
    return answer.status, headers, _CHANGING.sub(r'"\1":"…"', answer.body.decode())


class Counting(Resource):
    """The root of twisted.web's resources, which counts the requests that come that far."""

    isLeaf = True

    def __init__(self, root: IResource) -> None:
        super().__init__()
        self._root = root
        self.rendered = 0

    def render(self, request: Request) -> bytes | int:
        self.rendered += 1
        return render(self._root, request)


@pytest.mark.parametrize("asked", ASKED)
@pytest_twisted.ensureDeferred
async def test_the_answers_are_the_same(house: House, asked: str) -> None:
    method, path, *rest = ASKED[asked]
    body, headers = [*rest, *(ABSENT, {})[len(rest) :]]
    site = house.gateway.sites[0]
    site.resource = root = Counting(site.resource)
    plain = await call(house, method, path, body, headers=headers)
    assert root.rendered == (asked in KLEINS)
    other = await call(house, method, path, body, headers={**headers, **BESIDE})
    assert root.rendered == (asked in KLEINS) + 1
    assert shown(plain) == shown(other)


@pytest.mark.parametrize("more", [{}, BESIDE])
@pytest_twisted.ensureDeferred
async def test_of_a_client_that_hangs_up_before_the_answer_nothing_is_logged(
    house: House, more: dict[str, str]
) -> None:
    token = await house.gateway.acquire_until(reactor.seconds() + 60)
    house.gateway.store.gate = gate = Deferred()
    client = HttpClient(house.gateway.sites[0], Clock())
    with capturedLogs() as logged:
        client.request("GET", f"{SESSION}?token={token}", more)
        assert house.gateway.store.asked["find"] == 1
        client.hang_up()
        gate.callback(None)
        gc.collect()
    assert (client.transport.writes, logged) == ([], [])


@pytest.mark.parametrize("more", [{}, BESIDE])
@pytest_twisted.ensureDeferred
async def test_nothing_of_a_body_is_kept_until_there_is_an_answer(house: House, more: dict[str, str]) -> None:
    said = b'{"identifier": "a@example.org", "password": "a long password", "beside": "%s"}' % (b"x" * 500_000)
    client = HttpClient(house.gateway.sites[0], Clock())
    tracemalloc.start()
    try:
        client.request("POST", LOGIN, {"Content-Type": "application/json", **more}, said)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Somebody looks for the account.
    assert client.answer() is None
    client.hang_up()
    assert kept < 100_000


@pytest.mark.parametrize("house", [{"LEGACY_STATUS": "true"}], indirect=True)
@pytest_twisted.ensureDeferred
async def test_the_original_answered_errors_with_200(house: House) -> None:
    for more in ({}, BESIDE):
        answer = await call(house, "GET", SESSION, headers=more)
        assert (answer.status, answer.json["success"]) == (200, False)


@pytest_twisted.ensureDeferred
async def test_without_a_database_both_say_when_to_come_back(house: House) -> None:
    house.gateway.store.is_down = True
    answers = [await call(house, "POST", ACQUIRE, {}, headers=more) for more in ({}, BESIDE)]
    assert shown(answers[0]) == shown(answers[1])
    assert answers[0].status == 503
