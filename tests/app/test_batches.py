"""Many small jobs for the database in few."""

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
    writing: list[Deferred[list[str]]] = attrs.field(factory=list)

    def write(self, rows: list[int]) -> Deferred[list[str]]:
        self.batches.append(rows)
        self.writing.append(Deferred())
        return self.writing[-1]

    def written(self, number: int) -> None:
        """Answer a batch: each row by its number."""
        self.writing[number].callback([f"row {row}" for row in self.batches[number]])


def outcome(written: Deferred[str]) -> list[object]:
    told: list[object] = []
    written.addBoth(told.append)
    return told


def test_one_is_written_at_once_and_those_that_come_meanwhile_together() -> None:
    table = Table()
    batches = Batches(table.write)
    told = [outcome(batches.add(row)) for row in range(5)]
    assert table.batches == [[0]]
    table.written(0)
    assert (told[0], told[1]) == (["row 0"], [])
    assert table.batches == [[0], [1, 2, 3, 4]]
    table.written(1)
    assert told == [[f"row {row}"] for row in range(5)]
    batches.add(5)
    assert table.batches[-1] == [5]


def test_a_batch_fails_as_a_whole_and_the_next_one_is_written() -> None:
    table = Table()
    batches = Batches(table.write)
    told = [outcome(batches.add(row)) for row in range(3)]
    table.written(0)
    told.append(outcome(batches.add(3)))
    table.writing[1].errback(StoreUnavailable("down"))
    table.written(2)
    assert [isinstance(each[0], Failure) for each in told] == [False, True, True, False]
    assert table.batches == [[0], [1, 2], [3]]


@pytest.mark.parametrize("error", [StoreUnavailable("down"), ValueError("one row")], ids=["away", "broken"])
def test_nobody_waits_for_more_than_two_batches_while_the_database_is_away(error: Exception) -> None:
    """A frozen one takes ten seconds to fail each of them."""
    table = Table()
    batches = Batches(table.write)
    told = [outcome(batches.add(row)) for row in range(501)]
    table.writing[0].errback(StoreUnavailable("down"))
    told.append(outcome(batches.add(501)))
    assert [len(each) for each in told] == [1, *[0] * 501]
    table.writing[1].errback(error)
    away = isinstance(error, StoreUnavailable)
    assert [len(each) for each in told] == [1, *[1] * (500 if away else 200), *[0] * (1 if away else 301)]
    assert [len(batch) for batch in table.batches] == [1, 200, 1 if away else 200]
    table.written(2)
    assert told[501 if away else 201] == [f"row {501 if away else 201}"]


def test_batches_and_what_waits_are_bounded() -> None:
    table = Table()
    batches = Batches(table.write, most=300)
    told = [outcome(batches.add(row)) for row in range(302)]
    assert isinstance(told[-1][0], Failure)
    assert told[-1][0].check(StoreUnavailable)
    for size in (1, 200, 100):
        assert len(table.batches[-1]) == size
        table.written(-1)
    assert told[:-1] == [[f"row {row}"] for row in range(301)]


def test_one_who_no_longer_waits_does_no_harm() -> None:
    table = Table()
    batches = Batches(table.write)
    first, second = batches.add(1), batches.add(2)
    told = outcome(first)
    first.cancel()
    assert isinstance(told[0], Failure)
    assert told[0].check(CancelledError)
    table.written(0)
    table.written(1)
    assert outcome(second) == ["row 2"]


@pytest.mark.parametrize("count", [1, 3])
def test_a_write_that_does_not_wait_is_as_good(count: int) -> None:
    batches: Batches[int, int] = Batches(succeed)
    assert [outcome(batches.add(row)) for row in range(count)] == [[row] for row in range(count)]
