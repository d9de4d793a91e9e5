"""One's own answers, wherever they are: those of this process without a wait, those of others by a mirror."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, ensureDeferred

from yekta.app.answer import Answer, State
from yekta.app.answers import Answers
from yekta.app.elsewhere import Elsewhere
from yekta.app.errors import ClientError
from yekta.app.owner import Owner
from yekta.eventually import Eventually, known

NO_SUCH_ANSWER = "No such answer"
_NOT_FOUND = 404


@attrs.frozen
class Everywhere:
    """What the doors ask for answers that were begun before. Raises :class:`ClientError` where there is none."""

    _answers: Answers
    _elsewhere: Elsewhere

    def find(self, owner: Owner, message_id: str) -> Eventually[Answer]:
        """The answer, to be followed at once."""
        answer = self._answers.find(message_id, owner)
        # One that failed here may have been asked for again there.
        if (answer is None or answer.state is State.FAILED) and not self._elsewhere.alone:
            return self._find(owner, message_id, again=answer is not None)
        return _there(answer)

    def cancel(self, owner: Owner, message_id: str) -> Eventually[State]:
        """Stop an answer, which completes with what was said so far: how it has ended."""
        answer = self._answers.find(message_id, owner)
        is_here = answer is not None and not answer.mirror and answer.state is not State.FAILED
        if not is_here and not self._elsewhere.alone:
            return self._cancel(owner, message_id)
        answer = _there(answer)
        if answer.inquiry is not None:
            # Should another turn out to have it, it was meant too.
            ensureDeferred(self._elsewhere.cancel(owner, message_id))
        answer.cancel()
        return answer.state

    async def stop(self, owner: Owner, message_id: str, follow: Callable[[Answer], object]) -> State:
        """`cancel`, after ``follow(answer)`` where it has not ended; a process that stops has none followed anew."""
        try:
            answer = await known(self.find(owner, message_id))
        except CancelledError:
            # Who asked has left meanwhile; it was meant all the same.
            ensureDeferred(self._elsewhere.cancel(owner, message_id))
            raise
        except ClientError as error:
            if error.status == _NOT_FOUND:
                raise
        else:
            if answer.state is State.RUNNING:
                follow(answer)
        return await known(self.cancel(owner, message_id))

    def streams(self, owner: Owner) -> Eventually[list[dict[str, Any]]]:
        """All running and recent ones, the oldest first."""
        if self._elsewhere.alone:
            return _shown(self._answers.listed(owner))
        return self._streams(owner)

    async def _find(self, owner: Owner, message_id: str, *, again: bool) -> Answer:
        found = await self._elsewhere.find(owner, message_id, unfailed=again)
        answer = self._answers.find(message_id, owner)
        if found is None:
            return _there(answer)
        if answer is not None and answer.state is not State.FAILED:
            # Somebody else has found it meanwhile.
            found.leave()
            return answer
        try:
            answer = self._answers.begin(message_id, owner)
        except ClientError:
            found.leave()
            raise
        answer.mirrors(found)
        return answer

    async def _cancel(self, owner: Owner, message_id: str) -> State:
        state = await self._elsewhere.cancel(owner, message_id)
        if state is not None:
            return state
        return _there(self._answers.find(message_id, owner)).state

    async def _streams(self, owner: Owner) -> list[dict[str, Any]]:
        there = await self._elsewhere.streams(owner)
        return _shown([*there, *self._answers.listed(owner)])


def _there(answer: Answer | None) -> Answer:
    if answer is None:
        raise ClientError(NO_SUCH_ANSWER, status=_NOT_FOUND)
    return answer


def _shown(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_id: dict[str, dict[str, Any]] = {}
    for each in sorted(listed, key=lambda each: each["begun"]):
        # One that failed may have been asked for again, in another process.
        by_id.pop(each["messageId"], None)
        by_id[each["messageId"]] = {name: value for name, value in each.items() if name != "begun"}
    return list(by_id.values())
