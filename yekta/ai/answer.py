"""What the body of a chat completion says: bytes in, pieces of text out, and at the end a completion.

Implements the answer half of OpenAI's ``POST /chat/completions``, as a stream of ``chat.completion.chunk``
objects and as one ``chat.completion`` object, which is what a server that ignores ``stream`` sends. Does no
I/O. Both classes raise :class:`ProviderError` and must be dropped after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from yekta import jsontext
from yekta.ai.provider import Completion, Kind, ProviderError
from yekta.ai.refusal import refused
from yekta.ai.sse import LINE_LIMIT, EventStream, ProtocolError

# Why a model ends when it has said everything.
_WELL = "stop"


class StreamedAnswer:
    """An answer that comes as events, of at most ``limit`` characters, in lines of at most ``max_line`` bytes.

    Deltas of ``reasoning`` are not part of the answer and are left out. ``ended`` turns true with the mark
    ``[DONE]``, after which everything is ignored; ``complete`` says whether the model finished its answer,
    so that a connection lost later loses nothing.
    """

    def __init__(self, limit: int, max_line: int = LINE_LIMIT) -> None:
        self.ended = False
        self._limit = self._left = limit
        self._events = EventStream(line_limit=max_line)
        self._facts = _Facts()

    @property
    def complete(self) -> bool:
        return self.ended or self._facts.finish_reason is not None

    def feed(self, data: bytes) -> Iterator[str]:
        """The pieces of text in ``data``, none empty."""
        try:
            return self._texts(self._events.feed(data))
        except ProtocolError:
            raise ProviderError(Kind.PROTOCOL) from None

    def finish(self) -> Iterator[str]:
        """The body is over: the text of a last event without a blank line after it."""
        try:
            return self._texts(self._events.finish())
        except ProtocolError:
            raise ProviderError(Kind.PROTOCOL) from None

    def completion(self) -> Completion:
        """Raises ``INTERRUPTED`` if the answer is not complete, and ``EMPTY``."""
        if not self.complete:
            raise ProviderError(Kind.INTERRUPTED)
        return self._facts.completion(empty=self._left == self._limit)

    def _texts(self, events: Iterable[str]) -> Iterator[str]:
        for event in events:
            if not self.ended and (text := self._text(event)):
                yield text

    def _text(self, data: str) -> str:
        if data.strip() == "[DONE]":
            self.ended = True
            return ""
        choice = self._facts.learn(data)
        text = _text_in(choice, "delta")
        self._left -= len(text)
        if self._left < 0:
            raise ProviderError(Kind.TOO_LONG)
        return text


class WholeAnswer:
    """An answer that comes as one JSON object, of at most ``limit`` characters of text."""

    ended = False
    complete = False

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # A character takes at most 12 bytes of JSON, as two escaped surrogates; the rest are the facts.
        self._byte_limit = 12 * limit + 65_536
        self._body = bytearray()
        self._facts = _Facts()

    def feed(self, data: bytes) -> Iterator[str]:
        """Nothing yet: no part of a JSON object can be read before its end."""
        self._body += data
        if len(self._body) > self._byte_limit:
            raise ProviderError(Kind.TOO_LONG)
        return iter(())

    def finish(self) -> Iterator[str]:
        """The body is over: all the text."""
        choice = self._facts.learn(bytes(self._body))
        if not choice:
            # Some other JSON, with which a server says that it is none of models.
            raise ProviderError(Kind.PROTOCOL)
        self._text = _text_in(choice, "message")
        if len(self._text) > self._limit:
            raise ProviderError(Kind.TOO_LONG)
        return iter([self._text] if self._text else [])

    def completion(self) -> Completion:
        """To be asked after ``finish``. Raises ``EMPTY``."""
        return self._facts.completion(empty=not self._text)


class _Facts:
    """What chunks and whole objects tell besides text."""

    def __init__(self) -> None:
        self.finish_reason: str | None = None

    def learn(self, text: str | bytes) -> dict[str, Any]:
        """Note the facts of one JSON object and return its first choice, or ``{}`` if it has none."""
        try:
            said = jsontext.decode(text)
        except ValueError:
            raise ProviderError(Kind.PROTOCOL) from None
        if not isinstance(said, dict):
            raise ProviderError(Kind.PROTOCOL)
        if said.get("error"):
            raise _told_error(said["error"])
        if said.get("object") == "error":
            raise _told_error(said)
        choice = _first_choice(said)
        self.finish_reason = _word(choice.get("finish_reason")) or self.finish_reason
        return choice

    def completion(self, *, empty: bool) -> Completion:
        reason = self.finish_reason or _WELL
        if empty and reason == _WELL:
            # Any other reason tells why there is nothing.
            raise ProviderError(Kind.EMPTY)
        return Completion(reason)


def _told_error(error: object) -> ProviderError:
    code = _object(error).get("code")
    if isinstance(code, int) and 400 <= code <= 599:
        return refused(code, None, 0.0)
    return ProviderError(Kind.UNAVAILABLE)


def _first_choice(said: dict[str, Any]) -> dict[str, Any]:
    choices = said.get("choices")
    return _object(choices[0]) if isinstance(choices, list) and choices else {}


def _text_in(choice: dict[str, Any], part: str) -> str:
    text = _object(choice.get(part)).get("content")
    return text if isinstance(text, str) else ""


def _word(value: object) -> str | None:
    # It is shown in replies; nothing that a model server sends there is legitimately longer.
    return value[:100] if isinstance(value, str) else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
