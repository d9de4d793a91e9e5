"""A conversation with the AI that survives cuts: what was missed is fetched by ``ai:resume`` (CONTRACT "Events").

Knows no terminal: what is said goes to ``say``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.task import deferLater

from yekta.command.failure import CommandError
from yekta.command.native import NO_EVENT, Event, Native, enter
from yekta.command.network import Network
from yekta.command.websocket import Closed, Refused

# As many turns as the service takes into account.
_HISTORY = 10

# Seconds before each new attempt to connect.
_PAUSES = (0.2, 1.0, 2.0, 4.0, 8.0)


@attrs.define(eq=False)
class _Answer:
    question: dict[str, Any]
    text: str = ""
    seq: int = -1
    started: bool = False

    @property
    def message_id(self) -> str:
        return str(self.question["messageId"])


class Conversation:
    """One at a time is answered. ``say(text)`` gets an answer piece by piece, and what the service has to notify of."""

    def __init__(self, network: Network, url: str, token: str, locale: str, say: Callable[[str], None]) -> None:
        self._network = network
        self._url = url
        self._token = token
        self._locale = locale
        self._say = say
        self._native: Native | None = None
        self._answer: _Answer | None = None
        self._history: list[dict[str, str]] = []

    async def ask(self, message: str) -> None:
        """Say the answer. Raises :class:`CommandError` where there is none."""
        self._answer = answer = _Answer(
            {
                "message": message,
                "conversationHistory": self._history[-_HISTORY:],
                "locale": self._locale,
                "messageId": f"chat-{secrets.token_hex(8)}",
            }
        )
        try:
            await self._follow(answer)
        finally:
            self._answer = None
        self._history += [{"role": "user", "content": message}, {"role": "assistant", "content": answer.text}]
        del self._history[:-_HISTORY]

    def cancel(self) -> bool:
        """Stop the answer that is on its way, if there is one."""
        if self._answer is None or self._native is None:
            return False
        self._native.send("ai:cancel", {"messageId": self._answer.message_id})
        return True

    def close(self) -> None:
        """Say goodbye."""
        if self._native is not None:
            self._native.websocket.close()

    async def _follow(self, answer: _Answer) -> None:
        fresh = self._native is None
        fruitless = 0
        while True:
            known = len(answer.text)
            try:
                if self._native is None:
                    self._native = await self._connect()
                self._request(self._native, answer)
                while not self._heard(answer, await self._native.receive()):
                    pass
                return
            except Closed as closed:
                # A connection that was idle may have been cut long ago; only a cut in an answer is worth a word.
                if fresh or answer.started:
                    self._say("\n[connection lost, resuming]\n")
                self._native = None
                fruitless = fruitless + 1 if len(answer.text) == known else 1
                if fruitless > len(_PAUSES):
                    raise CommandError(str(closed)) from None
                if fruitless > 1:
                    await deferLater(self._network.reactor, _PAUSES[fruitless - 2])

    def _request(self, native: Native, answer: _Answer) -> None:
        if answer.started:
            native.send("ai:resume", {"messageId": answer.message_id, "seq": answer.seq})
        else:
            # Asked again by the same id it is joined, should the service know of it.
            native.send("ai:chat", answer.question)

    def _heard(self, answer: _Answer, event: Event) -> bool:
        data = event.data if isinstance(event.data, dict) else {}
        if event.name == "error":
            raise CommandError(f"The service refuses: {data.get('error')}.")
        if data.get("messageId") != answer.message_id:
            return False
        match event.name:
            case "ai:response:start":
                answer.started = True
            case "ai:notice":
                self._say(f"[{_text(data, 'text')}]\n")
            case "ai:response:chunk":
                self._add(answer, data)
            case "ai:response:complete":
                full = _text(data, "fullResponse")
                # Whatever did not come as a chunk.
                self._say(full[len(answer.text) :])
                answer.text = full
                return True
            case "ai:response:error":
                raise CommandError(f"The AI does not answer: {str(data.get('error')).rstrip('.')}.")
        return False

    def _add(self, answer: _Answer, data: dict[str, Any]) -> None:
        chunk = _text(data, "chunk")
        answer.text += chunk
        answer.seq = data.get("seq", answer.seq)
        self._say(chunk)

    async def _connect(self) -> Native:
        for pause in (0.0, *_PAUSES):
            await deferLater(self._network.reactor, pause)
            try:
                return await enter(self._network, self._url, self._token)
            except Refused as refused:
                # Only a service that is about to come back is worth another attempt.
                if refused.status and refused.status < 500:
                    raise
                error: Exception = refused
            except CommandError as failed:
                error = failed
        raise CommandError(str(error))


def _text(data: dict[str, Any], name: str) -> str:
    text = data.get(name)
    if not isinstance(text, str):
        raise CommandError(NO_EVENT)
    return text
