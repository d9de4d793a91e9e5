"""Answers with a clock, a provider that a test plays, and readers.

    from tests.support.answers import World, world        # the fixture, in `__all__`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock

from tests.support.clocks import TwoClocks
from tests.support.provider import ScriptedProvider
from tests.support.readers import FakeReader
from yekta.app.answer import Answer
from yekta.app.answers import Answers
from yekta.app.owner import Owner

ORPHAN, KEEP, MOST, CHARACTERS = 60, 600, 4, 100


class World:
    """Answers of one session, ``s``."""

    def __init__(self) -> None:
        self.clock = TwoClocks()
        self.answers = Answers(self.clock, orphan=ORPHAN, keep=KEEP, most=MOST, characters=CHARACTERS)
        self.provider = ScriptedProvider()

    def begin(self, message_id: str = "m", **options: Any) -> Answer:
        """An answer on its way, that nobody follows yet."""
        answer = self.answers.begin(message_id, Owner("s"), **options)
        answer.started(self.provider.generate([], answer.text_received))
        return answer

    def follow(self, answer: Answer, seq: int = -1, reader: FakeReader | None = None) -> FakeReader:
        if reader is None:
            reader = FakeReader()
            reader.texts[answer.message_id] = answer.text[: answer.chunk_after(answer.clamp(seq))["offset"]]
        reader.follow(answer, reader.send, seq, replay=True)
        return reader

    @property
    def generation(self) -> Any:
        return self.provider.generations[-1]


def end(answers: Answers, clock: Clock) -> None:
    """The process ends: nothing runs any more, and nothing is waited for."""
    answers.stop()
    assert answers.running == 0
    assert clock.getDelayedCalls() == []


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    end(world.answers, world.clock)
