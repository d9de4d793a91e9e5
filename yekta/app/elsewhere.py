"""The answers of other processes, as the application sees them: asked for there, and followed here.

A process that was asked for an answer is its home. Another that shows it has a *mirror*: an `Answer` whose text comes
from the home instead of from a provider, so that whoever follows it is served as by the home itself. Knows no wire:
`yekta.link` has one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from yekta.ai.provider import IGeneration

if TYPE_CHECKING:
    from yekta.app.answer import State
    from yekta.app.owner import Owner

# What comes after the chunks that are known: their text, and where each of them ends, in characters of the whole.
Received = Callable[[str, Sequence[int]], None]


class Found(Protocol):
    """An answer that another process has. Whoever is given one has it copied, or leaves it.

    ``text`` is all that was said, ``ends`` where each chunk of it ends, in characters.
    """

    text: str
    ends: list[int]

    def copy_to(self, received: Received) -> IGeneration:
        """Hand over what is said from now on. Its ``cancel`` leaves the answer as it is."""

    def leave(self) -> None:
        """It is not wanted."""


class Elsewhere(Protocol):
    """All other processes at once. None of these fails: who does not reply in time is as if not there.

    ``alone``: nobody is there, so that there is nothing to wait for.
    """

    @property
    def alone(self) -> bool: ...

    async def find(
        self, owner: Owner, message_id: str, *, unfailed: bool = False, claim: bool = False
    ) -> Found | None:
        """The answer, if one of them has it; ``unfailed``: and it has not failed.

        With a ``claim``, of several processes that ask at the same time, each with an `Inquiry` of its own, all but
        one find another's.
        """

    async def cancel(self, owner: Owner, message_id: str) -> State | None:
        """Stop the answer, if one of them has it: how it ended."""

    async def streams(self, owner: Owner) -> list[dict[str, Any]]:
        """What `Answers.listed` says there."""

    async def drop(self, owner: Owner, conversation_id: str) -> bool:
        """Have them keep no answer of a conversation any longer; whether there was one."""


class Alone:
    """No other process is known of."""

    alone = True

    async def find(
        self, owner: Owner, message_id: str, *, unfailed: bool = False, claim: bool = False
    ) -> Found | None:
        return None

    async def cancel(self, owner: Owner, message_id: str) -> State | None:
        return None

    async def streams(self, owner: Owner) -> list[dict[str, Any]]:
        return []

    async def drop(self, owner: Owner, conversation_id: str) -> bool:
        return False
