"""Who reads answers, and how far: cursors into a text that others may read too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from yekta.app.answer import Answer


class Reader:
    """Who reads answers: a peer, or a request. It may follow several."""

    __slots__ = ("following",)

    def __init__(self) -> None:
        self.following: dict[str, Follower] | None = None

    @property
    def flowing(self) -> bool:
        """Whether it takes text as fast as it comes."""
        return True

    def follow(
        self, answer: Answer, send: Callable[[str, Any], None], seq: int = -1, *, replay: bool = False
    ) -> None:
        """Be sent what comes after chunk ``seq`` of ``answer``, by ``send(event, data)``; instead of as before, if it
        was followed already."""
        if self.following is None:
            self.following = {}
        old = self.following.pop(answer.message_id, None)
        seq = answer.clamp(seq)
        follower = Follower(answer, self, send, seq, replay and seq < answer.seq)
        self.following[answer.message_id] = follower
        answer.followed_by(follower)
        if old is not None:
            old.answer.left_by(old)
        follower.catch_up()

    def drained(self) -> None:
        """It keeps up again."""
        for follower in list((self.following or {}).values()):
            follower.answer.drained(follower)

    def break_off(self, error: str) -> None:
        """It is sent away: of each answer it is told the end, or why there is none, and that asking again may help."""
        following = self.following or {}
        self.stop_following()
        for message_id, follower in following.items():
            if follower.answer.end is None:
                follower.send("ai:response:error", {"error": error, "messageId": message_id, "retryable": True})
            else:
                follower.send(*follower.answer.end)

    def stop_following(self) -> None:
        """It is gone. Its answers go on for a while."""
        following, self.following = self.following or {}, None
        for follower in following.values():
            follower.answer.left_by(follower)


@attrs.define(eq=False)
class Follower:
    """One reader of one answer. ``seq``: the last chunk it was sent, -1 for none. ``replaying``: its next chunk is one
    that was said before."""

    answer: Answer = attrs.field(repr=False)
    reader: Reader = attrs.field(repr=False)
    send: Callable[[str, Any], None] = attrs.field(repr=False)
    seq: int = -1
    replaying: bool = False

    def catch_up(self) -> None:
        """Send what is missing, in one chunk, if the reader takes it; and the end, if it has come."""
        answer = self.answer
        if self.seq < answer.seq and self.reader.flowing:
            data = answer.chunk_after(self.seq)
            if self.replaying:
                data["replay"] = True
            self.seq, self.replaying = answer.seq, False
            self.send("ai:response:chunk", data)
        # The end has all of the text: it is worth sending even where chunks had to be dropped.
        if answer.end is not None and self.reader.flowing:
            answer.left_by(self)
            if self.reader.following is not None:
                self.reader.following.pop(answer.message_id, None)
            self.send(*answer.end)
