"""The AI counselor: one question in, an answer that streams out, and lives on when its reader is gone.

Knows no provider but by its interface, and no door but by whoever listens.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.interfaces import IReactorTime

from yekta.ai.provider import IProvider, Message
from yekta.app import prompts
from yekta.app.answer import Answer, State
from yekta.app.answers import Answers
from yekta.app.care import Care
from yekta.app.conversations import Conversations
from yekta.app.elsewhere import Alone, Elsewhere
from yekta.app.errors import ClientError
from yekta.app.everywhere import Everywhere
from yekta.app.owner import Owner
from yekta.app.readers import Reader
from yekta.app.schemas import HISTORY, Chat
from yekta.clocks import wall_clock
from yekta.waiters import Waiters

# Comes before an answer and is no part of it.
NOTICE = "ai:notice"

Send = Callable[[str, Any], None]


class Counselor:
    """Answers in flight are bounded: ``max_answers`` in all, ``max_per_session`` of one session, and of one user."""

    def __init__(
        self,
        provider: IProvider,
        clock: IReactorTime,
        answers: Answers,
        *,
        conversations: Conversations | None = None,
        care: Care | None = None,
        elsewhere: Elsewhere | None = None,
        max_answers: int = 100,
        max_per_session: int = 4,
    ) -> None:
        self.provider = provider
        # Conversations are stored.
        self._wall = wall_clock(clock)
        self._answers = answers
        self._conversations = conversations
        self.care = care
        self._elsewhere = Alone() if elsewhere is None else elsewhere
        self.everywhere = Everywhere(answers, self._elsewhere)
        self._max_answers = max_answers
        self._max_per_session = max_per_session
        # For whom histories are read now, how many: who cancels meanwhile has none running, and may ask at once again.
        self._reading: Counter[str] = Counter()

    def chat(self, owner: Owner, chat: Chat, reader: Reader, send: Send) -> Answer:
        """Answer ``chat``, by ``send(event, data)``; what is being answered already is joined, not paid for twice.

        Raises :class:`ClientError` where it cannot begin.
        """
        if chat.conversation_id and not owner.returns:
            raise ClientError("No token provided", "A conversation is kept for its session only.", status=401)
        message_id = chat.message_id or self.new_message_id()
        answer = self._answers.find(message_id, owner)
        if answer is not None and not owner.returns:
            raise ClientError("This message is already being answered", status=409)
        # One that failed may be tried again.
        is_new = answer is None or answer.state is State.FAILED
        if answer is None or is_new:
            answer = self._begin(owner, message_id, chat.conversation_id or None)
            self._take_care(message_id, chat, send)
        send("ai:response:start", {"messageId": message_id})
        reader.follow(answer, send, replay=not is_new)
        if is_new:
            # Not the reader's: it goes on without it.
            ensureDeferred(self._ask(owner, answer, chat)).addErrback(answer.failed)
        return answer

    async def delete(self, owner: Owner, conversation_id: str) -> bool:
        """Delete a conversation, and what is left of its answers; ``False`` where there was neither."""
        found = self._answers.drop_all(owner, conversation_id)
        if not self._elsewhere.alone:
            found |= await self._elsewhere.drop(owner, conversation_id)
        if self._conversations is not None:
            found |= await self._conversations.delete(owner.name, conversation_id, self._wall())
        return found

    def new_message_id(self) -> str:
        """``ai-<ms>-<random>``, as the original's."""
        return f"ai-{round(self._wall() * 1000)}-{secrets.token_hex(5)}"

    def _begin(self, owner: Owner, message_id: str, conversation: str | None) -> Answer:
        if self._answers.running >= self._max_answers:
            raise ClientError("The AI service is busy.", status=503)
        if max(self._answers.running_of(owner), self._reading[owner.name]) >= self._max_per_session:
            raise ClientError("Too many answers at once", status=429, retry_after=5)
        return self._answers.begin(message_id, owner, lasting=owner.returns, conversation=conversation)

    def _take_care(self, message_id: str, chat: Chat, send: Send) -> None:
        notice = None if self.care is None else self.care.notice(chat.message, chat.locale)
        if notice is not None:
            send(NOTICE, {"messageId": message_id, "kind": "care", "locale": chat.locale, "text": notice})

    async def _ask(self, owner: Owner, answer: Answer, chat: Chat) -> None:
        asked = self._wall()
        # An id of our own is known to nobody else yet.
        if chat.message_id and owner.returns and not self._elsewhere.alone:
            await self._inquire(owner, answer)
            if answer.mirror or answer.state is not State.RUNNING:
                return
        history = await self._history(owner, chat)
        if answer.state is not State.RUNNING:
            return
        question = Message("user", chat.message)
        messages = [Message("system", prompts.system(chat.locale)), *prompts.earlier(history), question]
        ended = answer.wait()
        answer.started(self.provider.generate(messages, answer.text_received, chat.locale))
        if chat.conversation_id and self._conversations is not None:
            await ended
            if answer.error is None and answer.text:
                said = [question, Message("assistant", answer.text)]
                now = self._wall()
                await self._conversations.append(owner.name, chat.conversation_id, said, now, asked)

    async def _inquire(self, owner: Owner, answer: Answer) -> None:
        """Let ``answer`` be a mirror, where another process has it already."""
        inquiry: Waiters[None] = Waiters()
        answer.inquiry = inquiry
        try:
            found = await self._elsewhere.find(owner, answer.message_id, unfailed=True, claim=True)
            if found is not None and answer.state is not State.RUNNING:
                found.leave()
            elif found is not None:
                answer.mirrors(found)
                if not answer.followed:
                    answer.cancel()
        finally:
            answer.inquiry = None
            inquiry.tell(None)

    async def _history(self, owner: Owner, chat: Chat) -> list[Message]:
        if chat.conversation_id and self._conversations is not None:
            self._reading[owner.name] += 1
            try:
                return await self._conversations.recent(owner.name, chat.conversation_id, HISTORY)
            finally:
                self._reading[owner.name] -= 1
                if not self._reading[owner.name]:
                    del self._reading[owner.name]
        return [Message(turn.role, turn.content) for turn in chat.history()]
