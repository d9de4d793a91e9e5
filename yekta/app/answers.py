"""Answers of the AI that outlive the connection they were asked on.

An answer belongs to a session (and its user). Whoever follows it is a cursor into its text: a follower that does not
keep up is sent everything since its last chunk in one, so nothing is ever queued for anybody.

    running ──provider done──▶ complete        kept for a while, for those who come back
       ├──────provider failed──▶ failed
       └──cancelled, or followed by nobody──▶ cancelled
"""

from __future__ import annotations

import enum
from array import array
from collections.abc import Callable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.ai.provider import Completion, IGeneration, ProviderError
from yekta.timeouts import Timeouts

CANCELLED = "cancelled"

# An answer that ended as it should needs no further word.
_ORDINARY = "stop"

_log = Logger()


class State(enum.Enum):
    RUNNING = "running"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Listener(Protocol):
    """Who reads answers: a peer, or a request."""

    @property
    def flowing(self) -> bool:
        """Whether it takes text as fast as it comes."""


@attrs.define(eq=False)
class Follower:
    """One reader of one answer. ``seq``: the last chunk it was sent, -1 for none. ``send(event, data)`` sends."""

    answer: Answer = attrs.field(repr=False)
    listener: Listener = attrs.field(repr=False)
    send: Callable[[str, Any], None] = attrs.field(repr=False)
    seq: int = -1
    replaying: bool = False

    def catch_up(self) -> None:
        """Send what is missing, in one chunk, if the listener takes it; and the end, if it has come."""
        answer = self.answer
        if not self.listener.flowing:
            return
        if self.seq < answer.seq:
            offset = answer.offset(self.seq)
            data: dict[str, Any] = {"messageId": answer.message_id, "chunk": answer.text[offset:], "seq": answer.seq}
            data["offset"] = offset
            if self.replaying:
                data["replay"] = True
            self.seq, self.replaying = answer.seq, False
            self.send("ai:response:chunk", data)
        if answer.end is not None:
            answer.unfollow(self)
            self.send(*answer.end)


@attrs.define(eq=False)
class Answer:
    """See the module. ``owner`` is a session's id, ``user`` a user's; ``end`` is the last event, once it is known."""

    message_id: str
    owner: str
    user: str | None
    begun: float
    _registry: Answers = attrs.field(repr=False)
    state: State = State.RUNNING
    end: tuple[str, dict[str, Any]] | None = attrs.field(default=None, repr=False)
    followers: set[Follower] = attrs.field(factory=set, repr=False)
    done: Deferred[None] = attrs.field(factory=Deferred, repr=False)
    _generation: IGeneration | None = attrs.field(default=None, repr=False)
    _parts: list[str] = attrs.field(factory=list, repr=False)
    # Where each chunk ends, in characters: a chunk's number is its place here.
    _ends: array[int] = attrs.field(factory=lambda: array("L"), repr=False)
    _paused: bool = False

    @property
    def seq(self) -> int:
        """The number of the last chunk, from 0; -1 before the first."""
        return len(self._ends) - 1

    @property
    def text(self) -> str:
        """All that has been said."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def offset(self, seq: int) -> int:
        """Where the chunk after ``seq`` begins, in characters."""
        return self._ends[min(seq, self.seq)] if seq >= 0 and self._ends else 0

    def follow(
        self, listener: Listener, send: Callable[[str, Any], None], seq: int = -1, *, replay: bool = False
    ) -> Follower:
        """Send ``listener`` what comes after chunk ``seq``, and all the rest."""
        follower = Follower(self, listener, send, min(max(seq, -1), self.seq), replay)
        self.followers.add(follower)
        self._registry.followed(self)
        follower.catch_up()
        self._balance()
        return follower

    def unfollow(self, follower: Follower) -> None:
        """``follower`` reads no more."""
        self.followers.discard(follower)
        if not self.followers:
            self._registry.abandoned(self)
        self._balance()

    def drained(self, follower: Follower) -> None:
        """``follower`` keeps up again."""
        follower.catch_up()
        self._balance()

    def cancel(self) -> None:
        """Stop the provider; the answer ends with what was said so far."""
        if self.state is State.RUNNING and self._generation is not None:
            self.state = State.CANCELLED
            self._generation.cancel()

    # -- from the provider -----------------------------------------------------------------------------------

    def started(self, generation: IGeneration) -> None:
        """The provider was asked."""
        self._generation = generation
        generation.done.addCallbacks(self._completed, self._failed)
        generation.done.addErrback(self._broken)

    def text_received(self, text: str) -> None:
        """The next chunk."""
        self._parts.append(text)
        self._ends.append((self._ends[-1] if self._ends else 0) + len(text))
        data = {"messageId": self.message_id, "chunk": text, "seq": self.seq, "offset": self._ends[-1] - len(text)}
        for follower in tuple(self.followers):
            # Those that kept up share the chunk; the others are sent it with all they missed.
            if follower.seq == self.seq - 1 and follower.listener.flowing:
                follower.seq = self.seq
                follower.send("ai:response:chunk", data)
        self._balance()

    def _completed(self, completion: Completion) -> None:
        reason = CANCELLED if self.state is State.CANCELLED else completion.finish_reason
        self._finish(State.COMPLETE if reason != CANCELLED else State.CANCELLED, reason)

    def _failed(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            self._finish(State.CANCELLED, CANCELLED)
            return
        error = failure.value
        if isinstance(error, ProviderError):
            _log.info("An answer failed: {kind}", kind=error.kind.name)
            self._fail(str(error), error.retryable)
        else:
            failure.raiseException()

    def _broken(self, failure: Failure) -> None:
        _log.failure("An answer failed", failure)
        self._fail("Internal error", False)

    def _finish(self, state: State, reason: str) -> None:
        data: dict[str, Any] = {"messageId": self.message_id, "fullResponse": self.text}
        if reason != _ORDINARY:
            data["finishReason"] = reason
        self._end(state, ("ai:response:complete", data))

    def _fail(self, error: str, retryable: bool) -> None:
        self._end(
            State.FAILED,
            ("ai:response:error", {"error": error, "messageId": self.message_id, "retryable": retryable}),
        )

    def _end(self, state: State, end: tuple[str, dict[str, Any]]) -> None:
        self.state, self.end = state, end
        self._registry.ended(self)
        for follower in tuple(self.followers):
            follower.catch_up()
        self.done.callback(None)

    def _balance(self) -> None:
        """Read from the provider only while somebody takes it; an answer that nobody follows goes on for a while."""
        if self._generation is None or self.state is not State.RUNNING:
            return
        stuck = bool(self.followers) and not any(follower.listener.flowing for follower in self.followers)
        if stuck != self._paused:
            self._paused = stuck
            if stuck:
                self._generation.pause()
            else:
                self._generation.resume()


class Answers:
    """All answers of this process. ``orphan``: seconds that one may go unfollowed; ``keep``: seconds a finished one
    is kept; ``most``: running and kept, the oldest finished ones going first."""

    def __init__(
        self, clock: IReactorTime, *, orphan: float = 60.0, keep: float = 600.0, most: int = 10_000
    ) -> None:
        self.running = 0
        self._clock = clock
        self._most = most
        self._answers: dict[tuple[str, str], Answer] = {}
        self._orphans: Timeouts[Answer] = Timeouts(clock, orphan, Answer.cancel)
        self._kept: Timeouts[Answer] = Timeouts(clock, keep, self._forget)

    def begin(self, message_id: str, owner: str, user: str | None) -> Answer:
        """A new answer; the caller sees to it that there is none yet."""
        answer = Answer(message_id, owner, user, self._clock.seconds(), self)
        self._answers[owner, message_id] = answer
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
        return [
            answer
            for answer in self._answers.values()
            if answer.owner == owner or (user is not None and answer.user == user)
        ]

    def followed(self, answer: Answer) -> None:
        self._orphans.stop(answer)

    def abandoned(self, answer: Answer) -> None:
        if answer.state is State.RUNNING:
            self._orphans.start(answer)

    def ended(self, answer: Answer) -> None:
        self.running -= 1
        self._orphans.stop(answer)
        self._kept.start(answer)
        while len(self._answers) > self._most and len(self._kept):
            self._forget(self._kept.first())

    def stop(self) -> None:
        """The process ends: so do all answers."""
        for answer in list(self._answers.values()):
            answer.cancel()
        self._orphans.clear()
        self._kept.clear()

    def _forget(self, answer: Answer) -> None:
        self._kept.stop(answer)
        self._answers.pop((answer.owner, answer.message_id), None)
