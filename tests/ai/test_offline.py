"""The offline words: both languages, in parts, honest, and under control."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from tests.support.forgotten import Listener, forgotten
from yekta.ai.offline import Offline
from yekta.ai.provider import Completion, IGeneration, IProvider, Message


@pytest.fixture
def clock():
    clock = Clock()
    yield clock
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("locale", "unavailable", "help_at_hand"),
    [
        ("fa", "در دسترس نیست", "اورژانس"),
        ("en", "not available", "emergency"),
        ("EN-gb", "not available", "emergency"),
        ("de", "در دسترس نیست", "اورژانس"),
    ],
)
def test_words(clock, locale, unavailable, help_at_hand):
    texts: list[str] = []
    results: list[Completion] = []
    Offline(clock).generate([Message("user", "x")], texts.append, locale).done.addCallback(results.append)
    assert texts == []
    clock.pump([0.05] * 10)
    assert results == [Completion("fallback")]
    assert len(texts) > 2
    assert unavailable in "".join(texts)
    assert help_at_hand in "".join(texts)


def test_it_is_never_well(clock):
    answers: list[bool] = []
    Offline(clock).check().addCallback(answers.append)
    assert answers == [False]


def test_interfaces(clock):
    provider = Offline(clock)
    generation = provider.generate([], lambda _: None)
    assert verifyObject(IProvider, provider)
    assert verifyObject(IGeneration, generation)
    generation.done.addErrback(lambda _: None)
    generation.cancel()


def test_pause_and_resume(clock):
    texts: list[str] = []
    generation = Offline(clock).generate([], texts.append)
    clock.advance(0.05)
    generation.pause()
    clock.advance(10)
    assert len(texts) == 1
    generation.resume()
    clock.pump([0.05] * 10)
    assert generation.done.called
    generation.resume()


def test_cancelled_by_its_receiver(clock):
    texts: list[str] = []

    def receive(text: str) -> None:
        texts.append(text)
        generation.cancel()

    generation = Offline(clock).generate([], receive)
    generation.done.addErrback(lambda _: None)
    clock.pump([0.05] * 10)
    assert len(texts) == 1


@pytest.mark.parametrize("seconds", [1.0, 0.1])
def test_whether_they_are_over_or_cancelled_they_hold_on_to_nobody(clock, seconds):
    with forgotten() as expect:
        expect(listener := Listener())
        generation = Offline(clock).generate([], listener.hear)
        generation.done.addErrback(lambda _: None)
        clock.pump([0.05] * round(seconds / 0.05))
        assert listener.texts
        del listener
        generation.cancel()
