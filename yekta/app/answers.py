"""All answers of this process: whose they are, how long each may go unfollowed, and how many are kept for how long."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import Any

from twisted.internet.interfaces import IReactorTime

from yekta.app.answer import Answer, State
from yekta.app.answer_times import AnswerTimes
from yekta.app.errors import ClientError
from yekta.app.owner import Owner
from yekta.clocks import wall_clock
from yekta.rooms import Rooms
from yekta.seldom import Seldom
from yekta.timeouts import Timeouts

# What is said of answers that the server's end cuts off.
STOPPING = "The server is stopping"

# Finished answers kept of one user, or of a session without one: more than anybody comes back to after a connection
# was lost, and few enough that nobody drives out what is kept for others.
MOST_OF_ONE = 32


class Answers:
    """``orphan``: seconds that one may go unfollowed; ``keep``: seconds a finished one is kept; ``most``: running and
    kept; ``characters``: of those that have ended. Beyond either bound the oldest finished ones go first; beyond
    `MOST_OF_ONE`, that one's own oldest.

    ``running`` counts those of this process, and ``times`` times them; a mirror of another's costs no provider.
    ``failures``: which were logged when.
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
        self.times = AnswerTimes()
        self.failures = Seldom(clock)
        self._clock = clock
        self._wall = wall_clock(clock)
        self._stopped = False
        self._most = most
        self._most_characters = characters
        self._characters = 0
        self._begun = 0
        # By each of their owners' rooms, and their id there.
        self._answers: dict[tuple[str, str], Answer] = {}
        self._owners: Rooms[Answer] = Rooms()
        self._running_in: Counter[str] = Counter()
        # By whose they are, the first that ended first.
        self._kept_of: dict[str, dict[Answer, None]] = {}
        self._orphans: Timeouts[Answer] = Timeouts(clock, orphan, Answer.cancel)
        self._kept: Timeouts[Answer] = Timeouts(clock, keep, self._forget)

    @property
    def awaited(self) -> bool:
        """Whether somebody follows an answer that is on its way."""
        return any(answer.state is State.RUNNING and answer.followed for answer in self._owners.everybody())

    def running_of(self, owner: Owner) -> int:
        """How many of those counted in ``running`` are the session's or the user's, whichever has more."""
        return max(self._running_in[room] for room in owner.names)

    def begin(
        self, message_id: str, owner: Owner, *, lasting: bool = True, conversation: str | None = None
    ) -> Answer:
        """A new answer, in the place of one that failed; the caller sees to it that there is no other.

        One that is not ``lasting`` ends with its last follower and is not kept.
        """
        if self._stopped:
            raise _stopping()
        old = self.find(message_id, owner)
        if old is not None:
            self._forget(old)
        self._begun += 1
        now = self._clock.seconds()
        answer = Answer(message_id, owner, lasting, self._begun, now, self, conversation)
        for room in owner.names:
            # A session that logs in has what it asked for before, and its user may have another of that name.
            self._answers.setdefault((room, message_id), answer)
            self._owners.join(answer, room)
        self._count(answer, 1)
        return answer

    def find(self, message_id: str, owner: Owner) -> Answer | None:
        """The answer, if it is that session's or that user's."""
        found = (self._answers.get((room, message_id)) for room in owner.names)
        return next((answer for answer in found if answer is not None), None)

    def of(self, owner: Owner) -> list[Answer]:
        """All answers of a session and its user, the oldest first."""
        return sorted(self._owners.select(owner.names), key=attrgetter("number"))

    def listed(self, owner: Owner) -> list[dict[str, Any]]:
        """All that are at home here, as their owner is shown them, and when each was ``begun``, in POSIX seconds."""
        # As the wall has it now, which is what others go by.
        ahead = self._wall() - self._clock.seconds()
        return [
            {
                "messageId": answer.message_id,
                "state": answer.state.value,
                "seq": answer.seq,
                "length": answer.length,
                "begun": answer.begun + ahead,
            }
            for answer in self.of(owner)
            if not answer.mirror
        ]

    def drop(self, answer: Answer) -> None:
        """Keep it no longer; one that still runs is cancelled."""
        if answer.end is None:
            answer.lasting = False
            answer.cancel()
        else:
            self._forget(answer)

    def drop_all(self, owner: Owner, conversation: str) -> bool:
        """Keep no answer of a conversation any longer; whether there was one."""
        answers = [each for each in self.of(owner) if each.conversation == conversation and not each.mirror]
        for answer in answers:
            self.drop(answer)
        return bool(answers)

    def followed(self, answer: Answer) -> None:
        self._orphans.stop(answer)

    def mirrored(self, answer: Answer) -> None:
        """It is another process's, as it has turned out."""
        self._count(answer, -1)
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

    def begins(self, answer: Answer) -> None:
        """Its first words have come."""
        if not answer.mirror:
            self.times.first.add(self._age(answer))

    def ended(self, answer: Answer) -> None:
        if not answer.mirror:
            self._count(answer, -1)
            self.times.ends[answer.state.value] += 1
            self.times.whole.add(self._age(answer))
        self._characters += answer.length
        self._orphans.stop(answer)
        if not answer.lasting:
            self._forget(answer)
        else:
            self._keep(answer)
        while len(self._kept) and self._are_too_many():
            self._forget(self._kept.first())

    def stop(self) -> None:
        """The process ends: all answers break off, and none begins."""
        self._stopped = True
        for answer in list(self._owners.everybody()):
            answer.break_off(_stopping())
        self._kept.clear()

    def _age(self, answer: Answer) -> float:
        return self._clock.seconds() - answer.begun

    def _count(self, answer: Answer, change: int) -> None:
        self.running += change
        for room in answer.owner.names:
            self._running_in[room] += change
            if not self._running_in[room]:
                del self._running_in[room]

    def _keep(self, answer: Answer) -> None:
        self._kept.start(answer)
        own = self._kept_of.setdefault(answer.owner.name, {})
        own[answer] = None
        if len(own) > MOST_OF_ONE:
            self._forget(next(iter(own)))

    def _are_too_many(self) -> bool:
        return len(self._owners.everybody()) > self._most or self._characters > self._most_characters

    def _forget(self, answer: Answer) -> None:
        if answer.id not in self._owners:
            # It has made room for another already.
            return
        self._characters -= answer.length
        self._kept.stop(answer)
        own = self._kept_of.get(answer.owner.name, {})
        own.pop(answer, None)
        if not own:
            self._kept_of.pop(answer.owner.name, None)
        for room in answer.owner.names:
            if self._answers.get((room, answer.message_id)) is answer:
                del self._answers[room, answer.message_id]
        self._owners.remove(answer)


def _stopping() -> ClientError:
    return ClientError(STOPPING, status=503)
