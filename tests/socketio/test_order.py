"""Turns, and how much may wait for them: to the event, and to the byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from yekta.socketio.errors import ProtocolError
from yekta.socketio.order import Order

MOST, BYTES = 3, 10


def make(*, ordered: bool = True) -> Order:
    return Order(ordered=ordered, most=MOST, most_bytes=BYTES)


def wait(order: Order, size: int) -> None:
    order.postpone(lambda: None, size, "/")


def work(order: Order, size: int) -> None:
    order.hold(at_work(), size)


def at_work() -> Deferred[Any]:
    """What never fails, as `Order` asks for."""
    return Deferred().addErrback(lambda failure: failure.trap(CancelledError) and None)


@pytest.mark.parametrize("take", [wait, work])
@pytest.mark.parametrize("sizes", [[0, 0, 0], [4, 6], [10, 0], [11], [1_000]])
def test_so_much_is_taken(take: Callable[[Order, int], None], sizes: list[int]) -> None:
    order = make()
    for size in sizes:
        take(order, size)


@pytest.mark.parametrize("take", [wait, work])
@pytest.mark.parametrize("sizes", [[0, 0, 0, 0], [4, 7], [11, 0], [1, 10]])
def test_and_no_more(take: Callable[[Order, int], None], sizes: list[int]) -> None:
    order = make()
    *before, last = sizes
    for size in before:
        take(order, size)
    with pytest.raises(ProtocolError):
        take(order, last)


def test_what_is_not_taken_is_cancelled() -> None:
    order, ended = make(ordered=False), []
    for number in range(MOST + 1):
        pending = at_work().addCallback(lambda _, number=number: ended.append(number))
        if number < MOST:
            order.hold(pending, 0)
    with pytest.raises(ProtocolError):
        order.hold(pending, 0)
    assert ended == [MOST]


def test_there_is_room_again_for_what_was_done() -> None:
    order = make()
    for _ in range(3):
        pending = at_work()
        order.hold(pending, BYTES)
        wait(order, BYTES - 1)
        wait(order, 1)
        pending.callback(None)
        assert not order.waiting
        assert not order.busy


def test_a_turn_that_takes_its_time_takes_room_as_before() -> None:
    order, first, second = make(), at_work(), at_work()
    order.hold(first, 0)
    order.postpone(lambda: second, BYTES, "/")
    first.callback(None)
    assert order.busy
    with pytest.raises(ProtocolError):
        order.hold(at_work(), 1)
    second.callback(None)
    assert not order.busy
    order.hold(at_work(), BYTES)


def test_two_that_wait_for_the_same_take_the_room_of_two() -> None:
    order, shared = make(ordered=False), at_work()
    order.hold(shared, 4)
    order.hold(shared, 6)
    with pytest.raises(ProtocolError):
        order.hold(at_work(), 1)
    order = make(ordered=False)
    shared = at_work()
    order.hold(shared, 4)
    order.hold(shared, 6)
    shared.callback(None)
    order.hold(at_work(), 4)
    order.hold(at_work(), 6)
    with pytest.raises(ProtocolError):
        order.hold(at_work(), 1)


def test_what_is_owned_is_cancelled_once_it_is_too_much_and_forgotten_once_it_is_done() -> None:
    order, ended = make(), []
    for _ in range(2):
        owned = [at_work() for _ in range(MOST)]
        for each in owned:
            order.own(each, "/")
        another = at_work().addCallback(lambda _: ended.append("another"))
        with pytest.raises(ProtocolError):
            order.own(another, "/")
        for each in owned:
            each.callback(None)
    assert ended == ["another"] * 2


def test_whoever_leaves_a_namespace_ends_what_is_owned_there_and_makes_room_for_as_much() -> None:
    order, ended = make(), []
    for _ in range(2):
        stays, goes, linked = at_work(), at_work(), at_work()
        goes.addCallback(lambda _, linked=linked: linked.callback(None))
        goes.addCallback(lambda _: ended.append("goes"))
        for each, namespace in ((stays, "/stays"), (goes, "/"), (linked, "/")):
            order.own(each, namespace)
        order.disown("/")
        assert not stays.called
        stays.callback(None)
        for _ in range(MOST):
            order.own(at_work(), "/others")
        order.disown("/others")
    assert ended == ["goes"] * 2


def test_when_the_client_goes_what_waits_is_dropped_and_what_is_at_work_cancelled() -> None:
    order, ended = make(), []
    order.hold(at_work().addCallback(lambda _: ended.append("held")), 0)
    order.own(at_work().addCallback(lambda _: ended.append("owned")), "/")
    order.postpone(lambda: ended.append("waited"), 0, "/")
    order.stop()
    assert ended == ["held", "owned"]


def test_what_is_dropped_for_one_namespace_leaves_its_room_and_what_waits_for_others() -> None:
    order, done = make(), []
    first = at_work()
    order.hold(first, 0)
    order.postpone(lambda: done.append("off"), BYTES - 1, "/off")
    order.postpone(lambda: done.append("on"), 1, "/on")
    order.drop("/off")
    order.postpone(lambda: done.append("later"), BYTES - 1, "/off")
    with pytest.raises(ProtocolError):
        order.postpone(lambda: done.append("too much"), 1, "/on")
    first.callback(None)
    assert done == ["on", "later"]
