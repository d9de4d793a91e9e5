"""Who was asked is forgotten when it is over, without the collector."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from tests.support.forgotten import forgotten
from yekta.link import words
from yekta.link.asked import PATIENCE, Asked, Round
from yekta.link.copy import Copy


def ask(clock: Clock) -> tuple[list[Asked], Round]:
    question = words.Question(words.VERSION, "cancel", "me", "session")

    def copied(asked: Asked) -> Copy:
        return Copy(asked, clock, 1.0)

    asked = [Asked(name, question, words.Cancelled, copied, 1000, set()) for name in "ab"]
    return asked, Round(asked, lambda _: False, clock, lambda _: None)


@pytest.mark.parametrize("end", ["unreachable", "silent", "cancelled"])
def test_a_round_that_is_over_is_forgotten(clock: Clock, end: str) -> None:
    with forgotten() as expect:
        asked, inquiry = ask(clock)
        expect(inquiry)
        for each in asked:
            expect(each)
        if end == "silent":
            clock.advance(PATIENCE)
        elif end == "cancelled":
            inquiry.done.addErrback(lambda _: None)
            inquiry.done.cancel()
        for each in asked:
            each.unreachable(None)
        del asked, inquiry, each
