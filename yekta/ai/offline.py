"""The provider of last resort: fixed words, said plainly, when no model can answer.

They never pretend to be a counselor's answer (``finish_reason`` is ``fallback``), and since the question may
have been a cry for help they name help that needs no network. Knows Persian and English.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from yekta.ai.provider import Completion, IGeneration, IProvider, Message
from yekta.alarm import Alarm

_FA = (
    "از این‌که نوشتید سپاسگزاریم. ",
    "متأسفانه مشاور هوش مصنوعی اکنون در دسترس نیست و این پیام پاسخ خودکار است. ",
    "لطفاً کمی بعد دوباره تلاش کنید. ",
    "اگر در خطر هستید یا به کمک فوری نیاز دارید، همین حالا با اورژانس محل خود تماس بگیرید ",
    "یا از کسی که نزدیک شماست و به او اعتماد دارید کمک بخواهید.",
)
_EN = (
    "Thank you for reaching out. ",
    "We are sorry: the AI counselor is not available right now, and this is an automatic message. ",
    "Please try again a little later. ",
    "If you are in danger or need help at once, please call your local emergency services now, ",
    "or turn to someone near you whom you trust.",
)


@implementer(IProvider)
@attrs.frozen(eq=False)
class Offline:
    """Says its words one part every ``interval`` seconds. A locale it does not know gets Persian."""

    _clock: IReactorTime
    interval: float = 0.05
    name: str = "offline"

    def generate(
        self, messages: Sequence[Message], text_received: Callable[[str], None], locale: str = "fa"
    ) -> IGeneration:
        words = _EN if locale.lower().startswith("en") else _FA
        generation = _Generation(self._clock, self.interval, words, text_received)
        generation.resume()
        return generation

    def check(self) -> Deferred[bool]:
        """No: these words are not an answer."""
        return succeed(False)


@implementer(IGeneration)
class _Generation:
    def __init__(
        self, clock: IReactorTime, interval: float, words: Sequence[str], text_received: Callable[[str], None]
    ) -> None:
        self.done: Deferred[Completion] = Deferred(lambda _: self._end())
        self._tick = Alarm(clock, self._say)
        self._interval = interval
        self._words = deque(words)
        self._text_received = text_received

    def cancel(self) -> None:
        self.done.cancel()

    def pause(self) -> None:
        self._tick.clear()

    def resume(self) -> None:
        if not self.done.called:
            self._tick.set(self._interval)

    def _say(self) -> None:
        if not self._words:
            self._end()
            self.done.callback(Completion("fallback"))
            return
        # Set first, so that the receiver can pause or cancel.
        self._tick.set(self._interval)
        self._text_received(self._words.popleft())

    def _end(self) -> None:
        self._tick.clear()
        # It waits for the collector, as its Deferred knows it: not so who was told.
        del self._text_received
