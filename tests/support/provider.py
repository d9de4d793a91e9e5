"""An AI provider that a test plays by hand.

    provider = ScriptedProvider()
    ...
    generation = await provider.asked()            # somebody asks: .messages, .locale
    generation.say("سلام")
    generation.finish()                            # or fail(Kind.TIMEOUT)
    await soon(generation.cancelled)               # fires when the answer is given up
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
from twisted.internet.defer import Deferred, DeferredQueue, succeed
from zope.interface import implementer

from tests.support.patience import soon
from yekta.ai.provider import Completion, IGeneration, IProvider, Kind, Message, ProviderError


@implementer(IGeneration)
class ScriptedGeneration:
    """One answer, as the test plays it."""

    def __init__(self, messages: Sequence[Message], say: Callable[[str], None], locale: str) -> None:
        self.messages = list(messages)
        self.locale = locale
        self.say = say
        self.is_cancelled = False
        self.flow: list[str] = []
        self.cancelled: Deferred[None] = Deferred()
        self.done: Deferred[Completion] = Deferred(self._cancelled)

    def finish(self, reason: str = "stop") -> None:
        self.done.callback(Completion(reason))

    def fail(self, kind: Kind, *, retry_after: float | None = None) -> None:
        self.done.errback(ProviderError(kind, retry_after=retry_after))

    def cancel(self) -> None:
        self.done.cancel()

    def pause(self) -> None:
        """Noted; the test decides when it speaks."""
        self.flow.append("pause")

    def resume(self) -> None:
        self.flow.append("resume")

    def _cancelled(self, _: object) -> None:
        self.is_cancelled = True
        self.cancelled.callback(None)


@implementer(IProvider)
@attrs.define(eq=False)
class ScriptedProvider:
    """``generations``: all that were asked for. ``checks``: how often it was asked whether it ``is_up``."""

    name: str = "scripted"
    is_up: bool = True
    checks: int = 0
    generations: list[ScriptedGeneration] = attrs.field(factory=list)
    _queue: DeferredQueue[ScriptedGeneration] = attrs.field(factory=DeferredQueue)

    def generate(
        self, messages: Sequence[Message], text_received: Callable[[str], None], locale: str = "fa"
    ) -> ScriptedGeneration:
        generation = ScriptedGeneration(messages, text_received, locale)
        self.generations.append(generation)
        self._queue.put(generation)
        return generation

    def asked(self) -> Deferred[ScriptedGeneration]:
        """Fires with the next generation that somebody asks for."""
        return soon(self._queue.get())

    def check(self) -> Deferred[bool]:
        self.checks += 1
        return succeed(self.is_up)
