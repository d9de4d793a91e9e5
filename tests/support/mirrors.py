"""An answer of one process of a `Town`, read at another."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.python.failure import Failure

from tests.support.readers import FakeReader
from tests.support.town import SARA, Town
from yekta.app.answer import Answer
from yekta.app.owner import Owner
from yekta.eventually import known


def begun(town: Town, *texts: str, owner: Owner = SARA, reader: FakeReader | None = None) -> Any:
    """``m`` is on its way at ``a``, where it is read."""
    town["a"].ask("m", reader, owner)
    town.settle()
    [generation] = town["a"].provider.generations
    for text in texts:
        generation.say(text)
    town.settle()
    return generation


def outcome(town: Town, work: Any) -> Any:
    """What comes of it when all is heard; an error is raised."""
    results: list[Any] = []
    ensureDeferred(known(work)).addBoth(results.append)
    town.settle()
    [result] = results
    if isinstance(result, Failure):
        raise result.value
    return result


def resumed(town: Town, seq: int = -1, owner: Owner = SARA, at: str = "b") -> FakeReader:
    reader = FakeReader()
    answer: Answer = outcome(town, town[at].everywhere.find(owner, "m"))
    reader.texts["m"] = answer.text[: answer.chunk_after(answer.clamp(seq))["offset"]]
    reader.follow(answer, reader.send, seq, replay=True)
    return reader
