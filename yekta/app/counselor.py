"""The AI counselor: one question in, an answer that streams out.

Knows no provider but by its interface, and no door but by the reply it is given.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from yekta.ai.provider import Completion, IGeneration, IProvider, Message, ProviderError
from yekta.app import prompts
from yekta.app.dispatcher import Reply
from yekta.app.errors import ClientError
from yekta.app.schemas import Chat

CANCELLED = "cancelled"

# An answer that ended as it should needs no further word.
_ORDINARY = "stop"


@attrs.define(eq=False)
class Answer:
    """One answer on its way, or finished. ``text`` is what has come so far."""

    message_id: str
    _generation: IGeneration | None = attrs.field(default=None, repr=False)
    _parts: list[str] = attrs.field(factory=list, repr=False)
    _cancelled: bool = False

    @property
    def text(self) -> str:
        return "".join(self._parts)

    async def generate(
        self, provider: IProvider, messages: list[Message], locale: str, text_received: Callable[[str], None]
    ) -> str:
        """Have ``provider`` answer; gives the reason why it ended. Raises `ProviderError`."""

        def received(text: str) -> None:
            self._parts.append(text)
            text_received(text)

        self._generation = provider.generate(messages, received, locale)
        try:
            completion: Completion = await self._generation.done
        except CancelledError:
            if self._cancelled:
                return CANCELLED
            raise
        return completion.finish_reason

    def cancel(self) -> None:
        """Stop: the provider's request ends now."""
        self._cancelled = True
        if self._generation is not None:
            self._generation.cancel()


class Counselor:
    """Answers in flight are bounded: ``max_answers`` in all, ``max_per_session`` of one session."""

    _log = Logger()

    def __init__(
        self, provider: IProvider, clock: IReactorTime, *, max_answers: int = 100, max_per_session: int = 4
    ) -> None:
        self.provider = provider
        self._clock = clock
        self._max_answers = max_answers
        self._max_per_session = max_per_session
        self._answers: dict[tuple[str, str], Answer] = {}
        self._owners: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """How many answers are on their way."""
        return len(self._answers)

    async def converse(self, owner: str, chat: Chat, reply: Reply) -> None:
        """Answer ``chat`` for the session ``owner``, in the events of the contract."""
        message_id = chat.message_id or self.new_message_id()

        def text_received(text: str) -> None:
            reply("ai:response:chunk", {"messageId": message_id, "chunk": text})

        try:
            answer = self._register(owner, message_id)
        except ClientError as error:
            reply("ai:response:error", {"error": error.message, "messageId": message_id})
            return
        reply("ai:response:start", {"messageId": message_id})
        try:
            reply("ai:response:complete", await self._complete(owner, answer, chat, text_received))
        except ProviderError as error:
            self._log.info("An answer failed: {kind}", kind=error.kind.name)
            reply("ai:response:error", {"error": str(error), "messageId": message_id})
        except CancelledError:
            raise
        except Exception:
            self._log.failure("An answer failed")
            reply("ai:response:error", {"error": "Internal error", "messageId": message_id})

    async def answer(self, owner: str, chat: Chat, text_received: Callable[[str], None]) -> dict[str, Any]:
        """The same without events: the data of ``ai:response:complete``. Raises `ClientError`, `ProviderError`."""
        answer = self._register(owner, chat.message_id or self.new_message_id())
        return await self._complete(owner, answer, chat, text_received)

    def cancel(self, owner: str, message_id: str) -> None:
        """Stop an answer of ``owner``; it completes with what was said so far."""
        answer = self._answers.get((owner, message_id))
        if answer is None:
            raise ClientError("No such answer", status=404)
        answer.cancel()

    def new_message_id(self) -> str:
        """``ai-<ms>-<random>``, as the original's."""
        return f"ai-{round(self._clock.seconds() * 1000)}-{secrets.token_hex(5)}"

    def _register(self, owner: str, message_id: str) -> Answer:
        if (owner, message_id) in self._answers:
            raise ClientError("This message is already being answered", status=409)
        if len(self._answers) >= self._max_answers:
            raise ClientError("The AI service is busy.", status=503, retry_after=5)
        if self._owners[owner] >= self._max_per_session:
            raise ClientError("Too many answers at once", status=429, retry_after=5)
        answer = self._answers[owner, message_id] = Answer(message_id)
        self._owners[owner] += 1
        return answer

    async def _complete(
        self, owner: str, answer: Answer, chat: Chat, text_received: Callable[[str], None]
    ) -> dict[str, Any]:
        try:
            reason = await answer.generate(self.provider, _conversation(chat), chat.locale, text_received)
        finally:
            del self._answers[owner, answer.message_id]
            self._owners -= Counter((owner,))
        data = {"messageId": answer.message_id, "fullResponse": answer.text}
        return data if reason == _ORDINARY else {**data, "finishReason": reason}


def _conversation(chat: Chat) -> list[Message]:
    turns = [Message(turn.role, turn.content) for turn in chat.history()]
    return [Message("system", prompts.system(chat.locale)), *turns, Message("user", chat.message)]
