"""What is a session, of all that a server may answer."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from yekta.command.failure import CommandError
from yekta.command.network import Answer
from yekta.command.session import acquire


class Answering:
    """A network on which everybody gives the same answer."""

    def __init__(self, status: int, text: str) -> None:
        self._answer = Answer(status, text)

    async def request(self, method: str, url: str) -> Answer:
        assert (method, url) == ("POST", "http://a/api/auth/acquire-session")
        return self._answer


def acquired(status: int, text: str) -> Deferred[str]:
    network: Any = Answering(status, text)
    return Deferred.fromCoroutine(acquire(network, "http://a/"))


def test_the_token_is_of_the_answer() -> None:
    assert acquired(200, '{"data": {"token": "x"}}').result == "x"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (500, '{"data": {"token": "x"}}'),
        (200, "<html>"),
        (200, "[]"),
        (200, "{}"),
        (200, '{"data": []}'),
        (200, '{"data": {}}'),
        (200, '{"data": {"token": 5}}'),
    ],
)
def test_another_answer_has_none(status: int, text: str) -> None:
    failures: list[Any] = []
    acquired(status, text).addErrback(failures.append)
    [failure] = failures
    failure.trap(CommandError)
    assert str(failure.value) == f"http://a gave no session: HTTP {status}."
