"""What a source of answers is: the interface, and the facts that cross it.

Knows no HTTP, no prompt and no client. A provider turns a conversation into pieces of text; everything
that can go wrong on the way is one of the few :class:`Kind` s of a :class:`ProviderError`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

import attrs
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface


@attrs.frozen
class Message:
    """One turn of the conversation. ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str = attrs.field(repr=False)


@attrs.frozen
class Completion:
    """How a generation ended well.

    ``finish_reason`` is the provider's word (``stop``, ``length``, …), or ``fallback`` where the text is not a model's.
    """

    finish_reason: str


class Kind(enum.Enum):
    """What went wrong, as a sentence that is safe to show."""

    UNREACHABLE = "The AI service could not be reached."
    TIMEOUT = "The AI service took too long."
    REJECTED = "The AI service refused the request."
    OVERLOADED = "The AI service is busy."
    UNAVAILABLE = "The AI service is not available."
    PROTOCOL = "The AI service answered in a way that was not understood."
    INTERRUPTED = "The AI service broke off its answer."
    EMPTY = "The AI service gave an empty answer."
    TOO_LONG = "The conversation or its answer is too long."


_FINAL = frozenset({Kind.REJECTED, Kind.PROTOCOL, Kind.TOO_LONG})


class ProviderError(Exception):
    """A generation failed.

    ``status`` is the HTTP status behind it and ``retry_after`` the seconds the provider asked to wait, where
    there are such. ``str()`` is the kind's own sentence and never holds a word from the provider. ``why`` is for the
    operator, who has to mend it.
    """

    def __init__(
        self, kind: Kind, *, status: int | None = None, retry_after: float | None = None, why: str | None = None
    ) -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.status = status
        self.retry_after = retry_after
        self.why = why

    @property
    def logged(self) -> str:
        """What a log says of it; it, too, holds nothing of anybody's words."""
        return ", ".join(str(part) for part in (self.kind.name, self.status, self.why) if part is not None)

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later, or elsewhere."""
        return self.kind not in _FINAL


class IGeneration(Interface):
    """One answer on its way."""

    done: Deferred[Completion] = Attribute(
        """Fires with a `Completion` after the last text, or fails with `ProviderError`. Cancelled, it fails with
        `CancelledError`."""
    )

    def cancel() -> None:
        """Give up: no more text arrives, and what produces it is stopped now. Harmless when done."""

    def pause() -> None:
        """Stop reading from the provider. What had already been read may still arrive."""

    def resume() -> None:
        """Read on after `pause`."""


class IProvider(Interface):
    """A source of answers."""

    name: str = Attribute("A short name for logs and metrics.")

    def generate(
        messages: Sequence[Message], text_received: Callable[[str], None], locale: str = "fa"
    ) -> IGeneration:
        """Answer ``messages``, calling ``text_received`` with each piece of text, none empty, in order.

        No text arrives before this returns. ``locale`` (``fa`` or ``en``) matters only to a provider with words of
        its own.
        """

    def check() -> Deferred[bool]:
        """Whether answers can be expected now. Never fails."""
