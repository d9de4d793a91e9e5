"""What processes say to each other, and how large it may be. All of it is JSON, and read as strictly as a client's."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure

from yekta import jsontext
from yekta.app.answer import State
from yekta.app.owner import Owner

# Who says anything else is not understood, and as if not there: an older process on its way out, for example.
VERSION = 1

# Bytes of a question: names of 128 characters, each of them six at the most.
MAX_QUESTION = 8192

# Bytes of a reply, besides what a character may take: itself, escaped, and where it ends if it is a chunk.
MAX_REPLY, BYTES_OF_CHARACTER = 1 << 20, 16

# The newest so many answers are told of.
MAX_LISTED = 1000

# Bytes of one word between servers: most are small, and what a client missed is bounded by much less.
MAX_WORD = 32 << 20

Ask = Literal["find", "cancel", "streams", "drop", "mesh"]

Shape = TypeVar("Shape", bound=Struct)


class Question(Struct, omit_defaults=True):
    """``tag`` is the asking process's; ``name`` a message's id, or for ``drop`` a conversation's.

    ``unfailed`` and ``claim`` are `Elsewhere.find`'s.
    """

    version: int
    ask: Ask
    tag: str
    session: str
    user: str | None = None
    name: str = ""
    unfailed: bool = False
    claim: bool = False

    @property
    def owner(self) -> Owner:
        """Whose answers are meant."""
        return Owner(self.session, self.user)


class Trouble(Struct, omit_defaults=True):
    """Why an answer failed: a ``kind`` of the provider's, or a refusal; of an error of ours nothing is told."""

    kind: str = ""
    error: str = ""
    message: str = ""
    status: int | None = None
    retry_after: float | None = None


class End(Struct, omit_defaults=True):
    """``reason`` is why the text ends, ``trouble`` why there is no more."""

    reason: str = "stop"
    trouble: Trouble | None = None


class Said(Struct, omit_defaults=True):
    """What was said since: first everything, and then what follows.

    ``sure``: whether that process goes on with it whatever we do.
    """

    found: bool = True
    sure: bool = True
    text: str = ""
    ends: list[int] = []
    end: End | None = None

    @property
    def failed(self) -> bool:
        return self.end is not None and self.end.trouble is not None


class Cancelled(Struct, omit_defaults=True):
    """``state``: how it has ended, where it was ``found``."""

    found: bool = True
    state: State = State.CANCELLED


class Listed(Struct):
    """One answer, as its owner is shown it; ``begun`` in POSIX seconds."""

    messageId: str
    state: State
    seq: int
    length: int
    begun: float


class Streams(Struct):
    """All answers of one owner."""

    streams: list[Listed]


class Dropped(Struct):
    """Whether there was any answer to drop."""

    found: bool


class Unreadable(ValueError):
    """Not what was to come. Quotes nothing."""


def read(data: bytes, shape: type[Shape]) -> Shape:
    """``data`` as ``shape``. Raises `Unreadable`."""
    try:
        return msgspec.convert(jsontext.decode(data), shape)
    except (jsontext.NotJson, msgspec.ValidationError, RecursionError):
        raise Unreadable from None


class Words(Int32StringReceiver):
    """One end of a connection: pieces of JSON, each after its length. Whoever is not understood is hung up on."""

    transport: Any

    def __init__(self, most: int) -> None:
        self.MAX_LENGTH = most
        self.over = False

    def say(self, words: Struct) -> None:
        """Send ``words``."""
        self.sendString(jsontext.encode_bytes(msgspec.to_builtins(words)))

    def heard(self, data: bytes) -> None:
        """A piece has come. May raise `Unreadable`."""
        raise NotImplementedError

    def gone(self) -> None:
        """The connection is over, by whomever."""

    def drop(self) -> None:
        """Hang up, whatever is still on its way."""
        if not self.over:
            self.over = True
            self.transport.abortConnection()

    def stringReceived(self, string: bytes) -> None:
        if self.over:
            return
        try:
            self.heard(string)
        except Unreadable:
            self.drop()

    def lengthLimitExceeded(self, length: int) -> None:
        self.drop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.over = True
        self.gone()


class Caller(Words):
    """Who connects to the process ``name``, and begins with a question."""

    def __init__(self, name: str, question: Question, most: int) -> None:
        super().__init__(most)
        self.name = name
        self._question = question

    def connectionMade(self) -> None:
        if self.over:
            # Nobody waits any more.
            self.transport.abortConnection()
        else:
            self.say(self._question)

    def unreachable(self, reason: object) -> None:
        """The connection cannot be made."""
        self.over = True
        self.gone()

    def drop(self) -> None:
        if self.transport is None:
            self.over = True
        super().drop()
