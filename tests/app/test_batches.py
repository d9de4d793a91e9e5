"""Many small writes in few transactions."""

from __future__ import annotations

import attrs
import pytest
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from yekta.app.batches import Batches
from yekta.app.session_store import StoreUnavailable


@attrs.define(eq=False)
class Table:
    """Takes batches; each is written when told."""

    batches: list[list[int]] = attrs.field(factory=list)
    writing: list[Deferred[None]] = attrs.field(factory=list)

    def write(self, rows: list[int]) -> Deferred[None]:
        self.batches.append(rows)
        self.writing.append(Deferred())
        return self.writing[-1]


def outcome(written: Deferred[None]) -> list[object]:
    told: list[object] = []
    written.addBoth(told.append)
    return told


def test_one_is_written_at_once_and_those_that_come_meanwhile_together() -> None:
    table = Table()
    batches = Batches(table.write)
    told = [outcome(batches.add(row)) for row in range(5)]
    assert table.batches == [[0]]
    table.writing[0].callback(None)
    assert (told[0], told[1]) == ([None], [])
    assert table.batches == [[0], [1, 2, 3, 4]]
    table.writing[1].callback(None)
    assert told == [[None]] * 5
    batches.add(5)
    assert table.batches[-1] == [5]


def test_a_batch_fails_as_a_whole_and_the_next_one_is_written() -> None:
    table = Table()
    batches = Batches(table.write)
    told = [outcome(batches.add(row)) for row in range(3)]
    table.writing[0].callback(None)
    told.append(outcome(batches.add(3)))
    table.writing[1].errback(StoreUnavailable("down"))
    table.writing[2].callback(None)
    assert [isinstance(each[0], Failure) for each in told] == [False, True, True, False]
    assert table.batches == [[0], [1, 2], [3]]


def test_batches_and_what_waits_are_bounded() -> None:
    table = Table()
    batches = Batches(table.write, most=300)
    told = [outcome(batches.add(row)) for row in range(302)]
    assert isinstance(told[-1][0], Failure)
    assert told[-1][0].check(StoreUnavailable)
    for size in (1, 200, 100):
        assert len(table.batches[-1]) == size
        table.writing[-1].callback(None)
    assert told[:-1] == [[None]] * 301


def test_one_who_no_longer_waits_does_no_harm() -> None:
    table = Table()
    batches = Batches(table.write)
    first, second = batches.add(1), batches.add(2)
    told = outcome(first)
    first.cancel()
    assert isinstance(told[0], Failure)
    assert told[0].check(CancelledError)
    table.writing[0].callback(None)
    table.writing[1].callback(None)
    assert outcome(second) == [None]


@pytest.mark.parametrize("count", [1, 3])
def test_a_write_that_does_not_wait_is_as_good(count: int) -> None:
    batches: Batches[int] = Batches(lambda rows: succeed(None))
    assert [outcome(batches.add(row)) for row in range(count)] == [[None]] * count
