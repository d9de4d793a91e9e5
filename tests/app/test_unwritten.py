"""What was said while the database could not take it."""

from __future__ import annotations

from yekta.ai.provider import Message
from yekta.app.unwritten import MOST, MOST_CHARACTERS, MOST_OF_ONE, Said, Unwritten


def said(owner: str, conversation: str = "c", characters: int = 1) -> Said:
    return Said((owner, conversation), (Message("user", ""), Message("assistant", "x" * characters)), 0.0, None)


def test_each_conversation_has_its_own_in_their_order() -> None:
    waiting = Unwritten()
    first, other, second = said("a"), said("a", "d"), said("a")
    assert [waiting.add(each) for each in (first, other, second)] == [True] * 3
    assert (waiting.of(("a", "c")), waiting.of(("a", "d"))) == ([first, second], [other])
    assert waiting.of(("b", "c")) == []
    waiting.remove(first)
    assert (waiting.of(("a", "c")), len(waiting)) == ([second], 2)


def test_what_was_refused_comes_last() -> None:
    waiting = Unwritten()
    for owner in ("a", "b", "a", "c"):
        waiting.add(said(owner))
    before = waiting.of(("a", "c"))
    waiting.put_last(("a", "c"))
    assert waiting.names() == [("b", "c"), ("c", "c"), ("a", "c")]
    assert waiting.of(("a", "c")) == before


def test_one_owner_leaves_room_for_others() -> None:
    waiting = Unwritten()
    added = [waiting.add(said("a", str(number))) for number in range(MOST_OF_ONE + 2)]
    assert added == [*[True] * MOST_OF_ONE, False, False]
    assert waiting.add(said("b"))
    assert (waiting.lost, len(waiting)) == (2, MOST_OF_ONE + 1)


def test_there_is_room_for_so_many() -> None:
    waiting = Unwritten()
    assert all(waiting.add(said(str(number))) for number in range(MOST))
    assert not waiting.add(said("b"))
    waiting.remove(waiting.of(("7", "c"))[0])
    assert waiting.add(said("b"))
    assert waiting.lost == 1


def test_there_is_room_for_so_much() -> None:
    waiting = Unwritten()
    assert waiting.add(said("a", characters=MOST_CHARACTERS - 10))
    assert not waiting.add(said("b", characters=11))
    assert waiting.add(said("b", characters=10))
    assert (waiting.lost, len(waiting)) == (1, 2)
