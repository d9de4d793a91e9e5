"""The wire between all processes of a machine: who sees whom, and that what one says arrives, in order and once."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tests.support.town import Town
from yekta.link import words
from yekta.link.mesh import LOOK, MAX_NAME, MAX_WAITING, Mesh
from yekta.socketio.cluster_words import Unreadable, Word


class Listener:
    """Whoever hears what comes over a mesh. ``refusing``: it understands nothing."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.told: list[tuple[str, int]] = []
        self.refusing = False

    def came(self, name: str) -> None:
        assert name not in self.seen
        self.seen.append(name)

    def went(self, name: str) -> None:
        self.seen.remove(name)

    def reached(self, name: str, number: int) -> None:
        raise AssertionError

    def heard(self, name: str, word: Word) -> None:
        assert name in self.seen
        if self.refusing:
            raise Unreadable
        self.told.append((name, word.kind))


class Street(Town):
    """A town whose processes see each other. ``listeners``: by their names."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.listeners = {name: Listener() for name in names}
        for name in names:
            self[name].mesh.begin(self.listeners[name])

    def begin(self, *names: str) -> None:
        for name in names:
            self[name].mesh.look()

    def seen(self) -> dict[str, str]:
        return {name: "".join(sorted(each.seen)) for name, each in self.listeners.items()}


@pytest.fixture
def street() -> Iterator[Street]:
    street = Street("a", "b", "c")
    yield street
    street.close()
    assert street.seen() == {"a": "", "b": "", "c": ""}


@pytest.fixture
def together(street: Street) -> Street:
    street.begin("a", "b", "c")
    street.settle()
    return street


@pytest.mark.parametrize("seed", range(50))
def test_in_whatever_order_they_come_all_see_all_and_hear_what_was_said_to_them(seed: int) -> None:
    random = Random(seed)
    street = Street("a", "b", "c")
    for name in random.sample("abc", 3):
        street.begin(name)
        for _ in range(random.randrange(6)):
            street.step(random)
    while street.step(random):
        pass
    assert street.seen() == {"a": "bc", "b": "ac", "c": "ab"}
    for kind in range(9):
        street["abc"[kind % 3]].mesh.publish(Word(kind))
        for _ in range(random.randrange(4)):
            street.step(random)
    street.settle()
    for name, listener in street.listeners.items():
        for other in "abc":
            heard = [kind for teller, kind in listener.told if teller == other]
            assert heard == ([] if other == name else list(range("abc".index(other), 9, 3)))
    street.close()


def test_one_that_is_there_but_has_not_looked_is_seen(street: Street) -> None:
    street.begin("a")
    street.settle()
    assert street.seen() == {"a": "bc", "b": "a", "c": "a"}


def test_one_is_told_alone(together: Street) -> None:
    together["a"].mesh.send("b", Word(7))
    together["a"].mesh.send("unknown", Word(8))
    together.settle()
    assert [together.listeners[name].told for name in "abc"] == [[], [("a", 7)], []]


def test_who_is_not_there_is_looked_for_again(street: Street) -> None:
    street.gone.add("c")
    street.begin("a", "b")
    street.settle()
    assert street.seen() == {"a": "b", "b": "a", "c": ""}
    street.gone.remove("c")
    street.clock.advance(LOOK)
    street.settle()
    assert street.seen() == {"a": "bc", "b": "ac", "c": "ab"}


def test_one_that_ends_without_a_word_is_not_seen_any_more(together: Street) -> None:
    together.kill("c")
    together.settle()
    assert together.seen()["a"] == "b"
    assert together.seen()["b"] == "a"
    # The dead do not notice.
    together["c"].mesh.leave()
    together["a"].mesh.publish(Word(1))
    together.settle()
    assert together.listeners["b"].told == [("a", 1)]


def test_the_last_words_of_one_that_leaves_arrive(together: Street) -> None:
    together["a"].mesh.publish(Word(1))
    together["a"].mesh.leave()
    together["a"].home.close()
    together.settle()
    assert together.listeners["b"].told == [("a", 1)]
    assert together.seen() == {"a": "", "b": "c", "c": "b"}


def test_who_leaves_lets_nobody_in(together: Street) -> None:
    together["a"].mesh.leave()
    together.settle()
    together["b"].mesh.look()
    together.settle()
    assert together.seen() == {"a": "", "b": "c", "c": "b"}


def test_who_says_what_is_not_understood_is_left_and_met_again(together: Street) -> None:
    together.listeners["b"].refusing = True
    together["a"].mesh.publish(Word(1))
    together.settle()
    assert together.seen() == {"a": "c", "b": "c", "c": "ab"}
    # Both connections are over: each of the three pairs had two, of two ends.
    assert len(together.lines) == 8
    together.listeners["b"].refusing = False
    together.clock.advance(LOOK)
    together.settle()
    assert together.seen()["b"] == "ac"


def test_who_does_not_read_is_left_when_too_much_waits(together: Street) -> None:
    together.stuck.add("b")
    for end in together.lines:
        if getattr(end.protocol, "_home", None) is together["b"].home:
            end.reading = False
    # The first fills what the system takes; what comes after it waits.
    word = Word(1, data={"text": "x" * (1 << 20)})
    for _ in range(MAX_WAITING // len(word.text) + 1):
        together["a"].mesh.send("b", word)
    assert together.seen()["a"] == "bc"
    together["a"].mesh.send("b", word)
    assert together.seen()["a"] == "c"


def test_what_is_larger_than_others_take_is_not_said(together: Street) -> None:
    word = Word(1, data={"text": "x" * words.MAX_WORD})
    with pytest.raises(ValueError, match="too large"):
        together["a"].mesh.publish(word)
    with pytest.raises(ValueError, match="too large"):
        together["a"].mesh.send("b", word)
    together["a"].mesh.send("unknown", word)
    together["a"].mesh.publish(Word(2))
    together.settle()
    assert [together.listeners[name].told for name in "bc"] == [[("a", 2)]] * 2


def test_who_reads_again_is_owed_nothing(together: Street) -> None:
    word = Word(1, data={"text": "x" * (1 << 20)})
    for _ in range(3 * (MAX_WAITING // len(word.text))):
        together["a"].mesh.publish(word)
        together.settle()
    assert together.seen()["a"] == "bc"


def test_one_that_connects_once_more_is_refused(together: Street) -> None:
    again: Any = words.Caller("b", words.Question(words.VERSION, "mesh", "a", ""), 0)
    together.connect("a", "b", again)
    together.settle()
    assert again.over
    assert together.seen() == {"a": "bc", "b": "ac", "c": "ab"}


def test_nobody_meets_oneself(together: Street) -> None:
    caller: Any = words.Caller("b", words.Question(words.VERSION, "mesh", "b", ""), 0)
    together.connect("a", "b", caller)
    together.settle()
    assert caller.over
    assert together.seen()["b"] == "ac"


@pytest.mark.parametrize("name", ["", ".", "../a", "/tmp/a", "a\0", "é", "x" * (MAX_NAME + 1)])
def test_nobody_is_looked_for_elsewhere(together: Street, name: str) -> None:
    caller: Any = words.Caller("b", words.Question(words.VERSION, "mesh", name, ""), 0)
    together.connect("a", "b", caller)
    together.settle()
    assert caller.over
    assert together.seen()["b"] == "ac"


def test_nothing_is_said_on_a_connection_of_ours(together: Street) -> None:
    [outward] = [end for end in together.lines if getattr(end.protocol, "name", "") == "b" and end.protocol.open][:1]
    outward.other.write(b"\0\0\0\1x")
    together.settle()
    assert outward.lost


# -- one step at a time --------------------------------------------------------------------------------------


class Corner:
    """One process that connects to ``b``: when `connect` says so, by ``transport``; ``b`` comes with `visit`."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.listener = Listener()
        self.made: list[Any] = []
        self.mesh = Mesh(self.clock, "a", lambda: ["b"], self._begin)
        self.transport = StringTransport()
        self.visitor = words.Words(0)
        self.visitor.makeConnection(StringTransport())

    def _begin(self, name: str, protocol: words.Words) -> Deferred[Any]:
        self.made.append(protocol)
        return Deferred()

    def connect(self) -> None:
        self.made[0].makeConnection(self.transport)

    def visit(self) -> Any:
        return self.mesh.welcome("b", self.visitor)


@pytest.fixture
def corner() -> Iterator[Corner]:
    corner = Corner()
    corner.mesh.begin(corner.listener)
    corner.mesh.look()
    yield corner
    corner.mesh.leave()
    assert (corner.listener.seen, corner.clock.getDelayedCalls()) == ([], [])


def test_nobody_is_looked_for_where_nobody_wants_to_know() -> None:
    corner = Corner()
    corner.mesh.look()
    assert (corner.made, corner.clock.getDelayedCalls()) == ([], [])


@pytest.mark.parametrize("first", ["connect", "visit"])
def test_one_is_seen_and_told_once_both_connections_are_there(corner: Corner, first: str) -> None:
    steps = [corner.connect, corner.visit]
    for step in steps if first == "connect" else reversed(steps):
        assert corner.listener.seen == []
        corner.mesh.publish(Word(7))
        step()
    assert corner.listener.seen == ["b"]
    assert Word(7).text not in corner.transport.value()
    corner.mesh.publish(Word(8))
    assert corner.transport.value().endswith(Word(8).text)


@pytest.mark.parametrize("lost", ["ours", "theirs"])
def test_where_one_connection_is_lost_the_other_is_ended(corner: Corner, lost: str) -> None:
    corner.connect()
    inward = corner.visit()
    if lost == "ours":
        corner.made[0].connectionLost(connectionDone)
    else:
        inward.gone()
    assert corner.listener.seen == []
    assert (corner.visitor if lost == "ours" else corner.made[0]).transport.disconnected


def test_a_connection_that_comes_when_we_have_left_is_ended(corner: Corner) -> None:
    corner.visit()
    corner.mesh.leave()
    corner.connect()
    assert (corner.listener.seen, corner.transport.disconnected, corner.transport.value()) == ([], True, b"")


def test_what_comes_when_we_have_left_is_not_heard(corner: Corner) -> None:
    corner.connect()
    inward = corner.visit()
    corner.mesh.leave()
    inward.heard(Word(1).text)
    assert corner.listener.told == []


def test_a_connection_that_we_leave_ends_when_all_has_gone_out(corner: Corner) -> None:
    corner.connect()
    corner.mesh.leave()
    assert (corner.transport.disconnecting, corner.transport.producer) == (True, None)


def test_what_is_said_to_one_that_reads_again_does_not_wait(corner: Corner) -> None:
    corner.connect()
    corner.visit()
    corner.made[0].pauseProducing()
    corner.made[0].resumeProducing()
    for _ in range(2):
        corner.mesh.publish(Word(1, data={"text": "x" * (MAX_WAITING // 2)}))
    assert corner.listener.seen == ["b"]
