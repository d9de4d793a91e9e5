"""What every peer has: a masked token, and work that ends with it."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs

from tests.support.peers import FakePeer
from yekta.app.peer import mask


async def wait(deferred: Deferred[Any], ends: list[str]) -> None:
    try:
        await deferred
        ends.append("done")
    except CancelledError:
        ends.append("cancelled")
        raise


@pytest.mark.parametrize(("token", "masked"), [("x" * 39 + "tail", "***tail"), ("abc", "***abc"), ("", "***")])
def test_four_characters_of_a_token_may_be_shown(token: str, masked: str) -> None:
    assert mask(token) == masked


def test_a_peer_keeps_no_token() -> None:
    peer = FakePeer(token="secret" * 6 + "tail")
    assert peer.masked_token == "***tail"
    assert "secret" not in repr(vars(peer))


def test_work_in_progress_is_cancelled_when_the_peer_goes_and_what_is_done_is_forgotten() -> None:
    peer, ends = FakePeer(), []
    first, second, third = (Deferred[Any]() for _ in range(3))
    for deferred in (first, second, third):
        peer.own(wait(deferred, ends))
    second.callback(None)
    with capturedLogs() as logs:
        peer.gone()
        peer.gone()
    assert (ends, logs) == (["done", "cancelled", "cancelled"], [])


def test_work_that_fails_is_logged_and_harms_nobody() -> None:
    peer, deferred = FakePeer(), Deferred[Any]()
    with capturedLogs() as logs:
        peer.own(wait(deferred, []))
        deferred.errback(ZeroDivisionError())
    assert [log["log_failure"].type for log in logs] == [ZeroDivisionError]
    peer.gone()
