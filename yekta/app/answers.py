"""All answers of this process: whose they are, how long each may go unfollowed, and how many are kept for how long."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from twisted.internet.interfaces import IReactorTime

from yekta.app.answer import Answer, State
from yekta.app.errors import ClientError
from yekta.rooms import Rooms
from yekta.timeouts import Timeouts


class Answers:
    """``orphan``: seconds that one may go unfollowed; ``keep``: seconds a finished one is kept; ``most``: running and
    kept; ``characters``: of those that have ended. Beyond either bound the oldest finished ones go first.

    ``running`` counts those of this process; a mirror of another's costs no provider.
    """

    def __init__(
        self,
        clock: IReactorTime,
        *,
        orphan: float = 60.0,
        keep: float = 600.0,
        most: int = 10_000,
        characters: int = 33_554_432,
    ) -> None:
        self.running = 0
        self._clock = clock
        self._stopped = False
        self._most = most
        self._most_characters = characters
        self._characters = 0
        self._begun = 0
        self._answers: dict[tuple[str, str], Answer] = {}
        self._owners: Rooms[Answer] = Rooms()
        self._orphans: Timeouts[Answer] = Timeouts(clock, orphan, Answer.cancel)
        self._kept: Timeouts[Answer] = Timeouts(clock, keep, self._forget)

    @property
    def awaited(self) -> bool:
        """Whether somebody follows an answer that is on its way."""
        return any(answer.state is State.RUNNING and answer.followed for answer in self._answers.values())

    def begin(
        self, message_id: str, owner: str, user: str | None, *, lasting: bool = True, conversation: str | None = None
    ) -> Answer:
        """A new answer, in the place of one that failed; the caller sees to it that there is no other.

        One that is not ``lasting`` ends with its last follower and is not kept.
        """
        if self._stopped:
            raise ClientError("The server is stopping", status=503, retry_after=5)
        old = self.find(message_id, owner, user)
        if old is not None:
            self._forget(old)
        self._begun += 1
        now = self._clock.seconds()
        answer = Answer(message_id, owner, user, lasting, self._begun, now, self, conversation)
        self._answers[owner, message_id] = answer
        for room in _rooms(owner, user):
            self._owners.join(answer, room)
        self.running += 1
        return answer

    def find(self, message_id: str, owner: str, user: str | None) -> Answer | None:
        """The answer, if it is that session's or that user's."""
        own = self._answers.get((owner, message_id))
        if own is not None or user is None:
            return own
        return next((each for each in self.of(owner, user) if each.message_id == message_id), None)

    def of(self, owner: str, user: str | None) -> list[Answer]:
        """All answers of a session and its user, the oldest first."""
        return sorted(self._owners.select(_rooms(owner, user)), key=attrgetter("number"))

    def listed(self, owner: str, user: str | None) -> list[dict[str, Any]]:
        """All that are at home here, as their owner is shown them, and when each was ``begun``."""
        return [
            {
                "messageId": answer.message_id,
                "state": answer.state.value,
                "seq": answer.seq,
                "length": answer.length,
                "begun": answer.begun,
            }
            for answer in self.of(owner, user)
            if not answer.mirror
        ]

    def drop(self, answer: Answer) -> None:
        """Keep it no longer; one that still runs is cancelled."""
        if answer.end is None:
            answer.lasting = False
            answer.cancel()
        else:
            self._forget(answer)

    def drop_all(self, owner: str, user: str | None, conversation: str) -> bool:
        """Keep no answer of a conversation any longer; whether there was one."""
        answers = [each for each in self.of(owner, user) if each.conversation == conversation and not each.mirror]
        for answer in answers:
            self.drop(answer)
        return bool(answers)

    def followed(self, answer: Answer) -> None:
        self._orphans.stop(answer)

    def mirrored(self, answer: Answer) -> None:
        """It is another process's, as it has turned out."""
        self.running -= 1
        # Whoever begins one follows it at once; should it come to nothing, it must end all the same.
        if not answer.followed:
            self._orphans.start(answer)

    def abandoned(self, answer: Answer) -> None:
        if answer.state is not State.RUNNING:
            return
        if answer.lasting:
            self._orphans.start(answer)
        else:
            answer.cancel()

    def ended(self, answer: Answer) -> None:
        self.running -= not answer.mirror
        self._characters += answer.length
        self._orphans.stop(answer)
        if not answer.lasting:
            self._forget(answer)
        elif not self._stopped:
            self._kept.start(answer)
        while len(self._kept) and self._are_too_many():
            self._forget(self._kept.first())

    def stop(self) -> None:
        """The process ends: so do all answers, and none begins."""
        self._stopped = True
        for answer in list(self._answers.values()):
            answer.cancel()
        self._orphans.clear()
        self._kept.clear()

    def _are_too_many(self) -> bool:
        return len(self._answers) > self._most or self._characters > self._most_characters

    def _forget(self, answer: Answer) -> None:
        self._characters -= answer.length
        self._kept.stop(answer)
        del self._answers[answer.owner, answer.message_id]
        self._owners.remove(answer)


def _rooms(owner: str, user: str | None) -> list[str]:
    return [f"session:{owner}"] if user is None else [f"session:{owner}", f"user:{user}"]
