"""What we tell other processes: which answers of an owner we have, and what is said in them."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet.interfaces import IAddress, IPushProducer, IReactorTime
from twisted.internet.protocol import Factory
from zope.interface import implementer

from yekta.ai.provider import ProviderError
from yekta.app.answer import Answer, State
from yekta.app.answers import Answers
from yekta.app.errors import ClientError
from yekta.app.readers import Reader
from yekta.link import words
from yekta.link.mesh import Inward, Mesh
from yekta.link.words import End, Question, Said, Trouble, Unreadable, Words
from yekta.timeouts import Timeouts

# Seconds that a visitor may take to say what it wants.
HESITATION = 5.0

# Visitors at a time: each follows an answer for all of its process.
MOST = 1000


class Home(Factory):
    """``mesh``: to whom those go who want to talk to all of us. ``visitors``: whoever is connected."""

    noisy = False

    def __init__(self, answers: Answers, clock: IReactorTime, mesh: Mesh, most: int = MOST) -> None:
        self.answers = answers
        self.mesh = mesh
        self.visitors: set[Visitor] = set()
        self.hesitating: Timeouts[Visitor] = Timeouts(clock, HESITATION, Visitor.drop)
        self._most = most

    def buildProtocol(self, addr: IAddress | None) -> Visitor | None:
        return Visitor(self) if len(self.visitors) < self._most else None

    def close(self) -> None:
        """Hang up on all, as soon as they have been told what there was to tell."""
        for visitor in tuple(self.visitors):
            visitor.finish()

    def drop(self) -> None:
        """Hang up on whoever is left."""
        for visitor in tuple(self.visitors):
            visitor.drop()


@implementer(IPushProducer)
class Visitor(Words, Reader):
    """Another process with one question. It follows an answer as a client does."""

    def __init__(self, home: Home) -> None:
        Words.__init__(self, words.MAX_QUESTION)
        Reader.__init__(self)
        self._home = home
        self._asked = False
        self._flowing = True
        self._seq = -1
        self._inward: Inward | None = None

    @property
    def flowing(self) -> bool:
        return self._flowing

    def connectionMade(self) -> None:
        self._home.visitors.add(self)
        self._home.hesitating.start(self)

    def heard(self, data: bytes) -> None:
        if self._inward is not None:
            self._inward.heard(data)
            return
        question = words.read(data, Question)
        if self._asked or question.version != words.VERSION:
            raise Unreadable
        self._asked = True
        self._home.hesitating.stop(self)
        match question.ask:
            case "find":
                self._find(question)
            case "cancel":
                self._cancel(question)
            case "streams":
                self._streams(question)
            case "drop":
                self._drop(question)
            case "mesh":
                self.MAX_LENGTH = words.MAX_WORD
                self._inward = self._home.mesh.welcome(question.tag, self)

    def gone(self) -> None:
        if self._inward is not None:
            self._inward.gone()
        self._home.visitors.discard(self)
        self._home.hesitating.stop(self)
        self.stop_following()

    def finish(self) -> None:
        """Hang up when everything has gone out."""
        self.stop_following()
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    # -- what may be asked -----------------------------------------------------------------------------------

    def _find(self, question: Question) -> None:
        answer = self._answer(question)
        if answer is not None and answer.inquiry is not None and question.claim and question.tag < self._home.mesh.name:
            # Of two that ask each other the lower one goes on, unless it was the later and has let us go on.
            answer.inquiry.wait().addCallback(lambda _: self._tell(question))
        else:
            self._tell(question)

    def _tell(self, question: Question) -> None:
        answer = self._answer(question)
        if self.over:
            return
        if answer is None or (question.unfailed and answer.state is State.FAILED):
            self.say(Said(found=False))
            self.finish()
            return
        self._seq = answer.seq
        end = None if answer.end is None else _end(answer)
        said = Said(sure=answer.inquiry is None, text=answer.text, ends=answer.ends_after(-1), end=end)
        if end is None:
            self.transport.registerProducer(self, True)
        self.say(said)
        if end is None:
            self.follow(answer, lambda event, data: self._follows(answer, data), answer.seq)
        else:
            self.finish()

    def _follows(self, answer: Answer, data: Any) -> None:
        if "chunk" in data:
            ends = answer.ends_after(self._seq)
            self._seq = data["seq"]
            self.say(Said(text=data["chunk"], ends=ends))
        else:
            self.say(Said(end=_end(answer)))
            self.finish()

    def _cancel(self, question: Question) -> None:
        answer = self._answer(question)
        if answer is not None:
            answer.cancel()
        self.say(words.Cancelled(found=False) if answer is None else words.Cancelled(state=answer.state))
        self.finish()

    def _streams(self, question: Question) -> None:
        listed = self._home.answers.listed(question.owner)[-words.MAX_LISTED :]
        self.say(words.Streams(msgspec.convert(listed, list[words.Listed])))
        self.finish()

    def _drop(self, question: Question) -> None:
        found = self._home.answers.drop_all(question.owner, question.name)
        self.say(words.Dropped(found))
        self.finish()

    def _answer(self, question: Question) -> Answer | None:
        answer = self._home.answers.find(question.name, question.owner)
        return None if answer is None or answer.mirror else answer

    # -- IPushProducer: whether the other process reads ------------------------------------------------------

    def pauseProducing(self) -> None:
        self._flowing = False

    def resumeProducing(self) -> None:
        self._flowing = True
        self.drained()

    def stopProducing(self) -> None:
        """It is gone; `gone` follows."""


def _end(answer: Answer) -> End:
    error = answer.error
    if error is None:
        _, data = answer.end or ("", {})
        return End(data.get("finishReason", "stop"))
    if isinstance(error, ProviderError):
        return End(trouble=Trouble(kind=error.kind.name, status=error.status, retry_after=error.retry_after))
    if isinstance(error, ClientError):
        return End(trouble=Trouble("", error.error, error.message, error.status, error.retry_after))
    return End(trouble=Trouble())
