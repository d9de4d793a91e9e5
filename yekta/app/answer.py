"""One answer of the AI, that outlives the connection it was asked on.

An answer belongs to a session (and its user). Whoever follows it is a cursor into its text: a follower that does not
keep up is sent everything since its last chunk in one, so nothing is ever queued for anybody.

    running ──provider done──▶ complete        kept for a while, for those who come back
       ├──────provider failed, or the server stops──▶ failed
       └──cancelled, or followed by nobody──▶ cancelled

How long it is kept, and how many are, is `answers.py`.
"""

from __future__ import annotations

import enum
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.ai.provider import Completion, IGeneration, ProviderError
from yekta.app.elsewhere import Found
from yekta.app.errors import ClientError, forget_frames
from yekta.app.owner import Owner
from yekta.app.readers import Follower
from yekta.rooms import Joined
from yekta.waiters import Waiters

if TYPE_CHECKING:
    from yekta.app.answers import Answers

CANCELLED = "cancelled"

# An answer that ended as it should needs no further word.
_ORDINARY = "stop"

# So many chunks are put together while it runs: alone, one of a single letter takes as much as thirty in a text.
_TOGETHER = 64

_log = Logger()


class State(enum.Enum):
    RUNNING = "running"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    FAILED = "failed"


@attrs.define(eq=False)
class Answer:
    """See the module. ``end`` is the last event, once it is known.

    ``lasting``: whether its owner can come back to it. ``number``: of this process's answers, in their order.
    ``begun``: when, by the registry's clock. ``conversation``: the id of the one it belongs to, if it does.
    ``error`` is why it failed, if it did. ``inquiry``: while it is not known whether another process has it, who waits
    to know. ``mirror``: another has it, and is followed for those who follow it here.
    """

    message_id: str
    owner: Owner
    lasting: bool
    number: int
    begun: float
    _registry: Answers = attrs.field(repr=False)
    conversation: str | None = None
    inquiry: Waiters[None] | None = None
    mirror: bool = False
    state: State = State.RUNNING
    end: tuple[str, dict[str, Any]] | None = attrs.field(default=None, repr=False)
    joined: Joined = attrs.field(default=None, repr=False)
    error: BaseException | None = attrs.field(default=None, repr=False)
    _followers: set[Follower] = attrs.field(factory=set, repr=False)
    _waiting: Waiters[None] = attrs.field(factory=Waiters, repr=False)
    _generation: IGeneration | None = attrs.field(default=None, repr=False)
    _parts: list[str] = attrs.field(factory=list, repr=False)
    # Where each chunk ends, in characters: a chunk's number is its place here.
    _ends: array[int] = attrs.field(factory=lambda: array("I"), repr=False)
    _paused: bool = False

    @property
    def id(self) -> str:
        """Its number, as `Rooms` want it."""
        return str(self.number)

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

    @property
    def length(self) -> int:
        """How many characters have been said."""
        return self._ends[-1] if self._ends else 0

    @property
    def followed(self) -> bool:
        """Whether anybody waits for it."""
        return bool(self._followers)

    def clamp(self, seq: int) -> int:
        """``seq``, if there is such a chunk."""
        return min(max(seq, -1), self.seq)

    def chunk_after(self, seq: int) -> dict[str, Any]:
        """Everything said after chunk ``seq``, as one chunk."""
        offset = self._ends[seq] if seq >= 0 else 0
        return {"messageId": self.message_id, "chunk": self.text[offset:], "seq": self.seq, "offset": offset}

    def ends_after(self, seq: int) -> list[int]:
        """Where each chunk after ``seq`` ends, in characters."""
        return self._ends[seq + 1 :].tolist()

    def wait(self) -> Deferred[None]:
        """Fires when the answer has ended, however it did. Cancelling it does nothing to the answer."""
        return self._waiting.wait() if self.end is None else succeed(None)

    def followed_by(self, follower: Follower) -> None:
        """One more reader."""
        self._followers.add(follower)
        self._registry.followed(self)
        self._balance()

    def left_by(self, follower: Follower) -> None:
        """One reader less."""
        self._followers.discard(follower)
        if not self._followers:
            self._registry.abandoned(self)
        self._balance()

    def drained(self, follower: Follower) -> None:
        """A reader keeps up again."""
        follower.catch_up()
        self._balance()

    def cancel(self) -> None:
        """Stop the provider; the answer ends with what was said so far."""
        if self.state is not State.RUNNING:
            return
        self.state = State.CANCELLED
        if self._generation is None:
            self._finish(CANCELLED)
        else:
            self._generation.cancel()

    def break_off(self, error: ClientError) -> None:
        """Stop the provider; the answer fails with ``error``, unless it has ended."""
        if self.state is State.RUNNING:
            generation = self._generation
            self.failed(Failure(error))
            if generation is not None:
                generation.cancel()

    # -- from another process --------------------------------------------------------------------------------

    def mirrors(self, found: Found) -> None:
        """Be what another process has, from its beginning; nothing was said here yet."""
        self.mirror, self.lasting = True, False
        self._registry.mirrored(self)
        for follower in self._followers:
            follower.replaying = bool(found.ends)
        self._append(found.text, found.ends)
        self.started(found.copy_to(self.copied))
        self._balance()

    def copied(self, text: str, ends: Sequence[int]) -> None:
        """The next chunks, in one piece of text."""
        if len(ends) == 1:
            self.text_received(text)
        else:
            self._append(text, ends)
            self._balance()

    # -- from the provider -----------------------------------------------------------------------------------

    def started(self, generation: IGeneration) -> None:
        """The provider was asked."""
        self._generation = generation
        generation.done.addCallbacks(self._completed, self.failed)

    def text_received(self, text: str) -> None:
        """The next chunk."""
        if not self._ends:
            self._registry.begins(self)
        self._parts.append(text)
        if len(self._parts) > _TOGETHER:
            self._parts = ["".join(self._parts)]
        self._ends.append((self._ends[-1] if self._ends else 0) + len(text))
        chunk = {
            "messageId": self.message_id,
            "chunk": text,
            "seq": self.seq,
            "offset": self.length - len(text),
        }
        for follower in tuple(self._followers):
            if follower.seq < self.seq - 1:
                follower.catch_up()
            elif follower.reader.flowing:
                # Whoever keeps up is sent the same chunk.
                follower.seq = self.seq
                follower.send("ai:response:chunk", chunk)
        self._balance()

    def failed(self, failure: Failure) -> None:
        """The provider, or what came before or after it, failed."""
        if failure.check(CancelledError):
            # One that was broken off has ended before its provider.
            if self.end is None:
                self._finish(CANCELLED)
            return
        if self.end is not None:
            # It could not be kept; who refused with words of its own has said why.
            if not failure.check(ClientError):
                _log.failure("An answer could not be kept", failure)
            return
        error: Any = failure.value
        self.error = error
        if isinstance(error, ProviderError):
            if self._registry.failures.is_due(error.kind.name):
                _log.warn("An answer failed: {reason}", reason=error.logged)
            text, retryable = str(error), error.retryable
        elif isinstance(error, ClientError):
            text, retryable = error.message, error.status >= 500
        else:
            _log.failure("An answer failed", failure)
            text, retryable = "Internal error", False
        # It is kept for as long as the answer.
        forget_frames(error)
        self._end(
            State.FAILED,
            ("ai:response:error", {"error": text, "messageId": self.message_id, "retryable": retryable}),
        )

    def _append(self, text: str, ends: Sequence[int]) -> None:
        self._parts.append(text)
        self._ends.extend(ends)
        for follower in tuple(self._followers):
            follower.catch_up()

    def _completed(self, completion: Completion) -> None:
        self._finish(CANCELLED if self.state is State.CANCELLED else completion.finish_reason)

    def _finish(self, reason: str) -> None:
        data: dict[str, Any] = {"messageId": self.message_id, "fullResponse": self.text}
        if reason != _ORDINARY:
            data["finishReason"] = reason
        self._end(
            State.CANCELLED if reason == CANCELLED else State.COMPLETE, ("ai:response:complete", data)
        )

    def _end(self, state: State, end: tuple[str, dict[str, Any]]) -> None:
        if self.end is not None:
            return
        self.state, self.end = state, end
        # It knows this answer too: a circle that would keep its text.
        self._generation = None
        self._registry.ended(self)
        for follower in tuple(self._followers):
            follower.catch_up()
        self._waiting.tell(None)

    def _balance(self) -> None:
        """Read from the provider only while somebody takes it; an answer that nobody follows goes on for a while."""
        if self._generation is None or self.state is not State.RUNNING:
            return
        stuck = bool(self._followers) and not any(follower.reader.flowing for follower in self._followers)
        if stuck != self._paused:
            self._paused = stuck
            if stuck:
                self._generation.pause()
            else:
                self._generation.resume()
