"""The error that an answer keeps, for those who come back to it, holds on to nothing of whoever was told."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from tests.support.doors import House, house
from tests.support.rest import call
from yekta.ai.provider import Kind
from yekta.app.errors import ClientError
from yekta.app.owner import Owner

__all__ = ["house"]

CHAT = "/api/ai/chat"


@pytest.mark.parametrize(("kind", "status"), [(Kind.TIMEOUT, 504), (None, 503)])
@pytest_twisted.ensureDeferred
async def test_an_answer_that_failed_keeps_no_request_that_was_told_so(
    house: House, kind: Kind | None, status: int
) -> None:
    token, session = await house.gateway.acquire()
    body = {"message": "?", "messageId": "m", "padding": "x" * 100_000}
    asked = ensureDeferred(call(house, "POST", CHAT, body, token=token))
    generation = await house.gateway.provider.asked()
    if kind is None:
        generation.done.errback(ClientError("x", status=status))
    else:
        generation.fail(kind)
    assert (await asked).status == status
    answer = house.gateway.answers.find("m", Owner(session.id))
    assert answer is not None
    assert answer.error is not None
    assert (answer.error.__traceback__, answer.error.__context__) == (None, None)
