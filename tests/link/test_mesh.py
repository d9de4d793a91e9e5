"""The wire between all processes of a machine: who sees whom, and that what one says arrives, in order and once."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.support.listener import Listener
from tests.support.town import Town
from yekta.link import words
from yekta.link.mesh import LOOK, MAX_NAME, MAX_WAITING, PATIENCE
from yekta.socketio.cluster_words import Word


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


def test_it_is_settled_when_all_are_seen_that_are_there(street: Street) -> None:
    mesh = street["a"].mesh
    assert mesh.is_settled
    street.begin("a")
    assert not mesh.is_settled
    street.settle()
    assert mesh.is_settled
    assert street.seen()["a"] == "bc"


def test_it_is_settled_all_the_same_where_some_do_not_reply(street: Street) -> None:
    mesh = street["a"].mesh
    street.begin("a")
    street.clock.advance(PATIENCE - 0.1)
    assert not mesh.is_settled
    street.clock.advance(0.1)
    assert mesh.is_settled
    street.begin("a")
    assert mesh.is_settled


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


# The first is the name of whom it connects to; all others would lead elsewhere than to a process.
@pytest.mark.parametrize("name", ["b", "", ".", "../a", "/tmp/a", "a\0", "é", "x" * (MAX_NAME + 1)])
def test_one_that_is_called_as_no_other_can_be_is_refused(together: Street, name: str) -> None:
    caller: Any = words.Caller("b", words.Question(words.VERSION, "mesh", name, ""), 0)
    together.connect("a", "b", caller)
    together.settle()
    assert caller.over
    assert together.listeners["b"].met == set(together.seen()["b"]) == {"a", "c"}


def test_where_nobody_wants_to_hear_anything_nobody_is_let_in() -> None:
    town = Town("a", "b")
    caller: Any = words.Caller("b", words.Question(words.VERSION, "mesh", "a", ""), 0)
    town.connect("a", "b", caller)
    town.settle()
    assert caller.over
    assert not town.lines
    town.close()


def test_nothing_is_said_on_a_connection_of_ours(together: Street) -> None:
    [outward] = [end for end in together.lines if getattr(end.protocol, "name", "") == "b" and end.protocol.open][:1]
    outward.other.write(b"\0\0\0\1x")
    together.settle()
    assert outward.lost
