"""So many at a time, one of each in turn."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

from yekta.link.queue import Queue


class Crowd:
    """``inside``: who has come in, in this order, and has not left."""

    def __init__(self, most: int, most_waiting: int = 10) -> None:
        self.queue = Queue(most, most_waiting)
        self.inside: list[str] = []

    def come(self, name: str) -> Deferred[None]:
        """``name``'s first letter says whose it is."""

        async def enter() -> None:
            if await self.queue.enter(name[0]):
                self.inside.append(name)

        return ensureDeferred(enter())

    def leave(self) -> None:
        """Whoever has been inside the longest."""
        self.inside.pop(0)
        self.queue.leave()


def test_whoever_comes_when_it_is_full_waits() -> None:
    crowd = Crowd(2)
    for name in ("a1", "a2", "a3", "a4"):
        crowd.come(name)
    assert (crowd.inside, len(crowd.queue)) == (["a1", "a2"], 2)
    crowd.leave()
    assert (crowd.inside, len(crowd.queue)) == (["a2", "a3"], 1)
    crowd.leave()
    crowd.leave()
    assert (crowd.inside, len(crowd.queue)) == (["a4"], 0)
    crowd.come("a5")
    assert crowd.inside == ["a4", "a5"]


def test_who_comes_often_keeps_nobody_waiting() -> None:
    crowd = Crowd(1)
    for name in ("a1", "a2", "a3", "a4", "b1", "b2", "c1"):
        crowd.come(name)
    order = []
    while crowd.inside:
        order += crowd.inside
        crowd.leave()
    assert order == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


def test_who_gives_up_takes_nobody_s_turn() -> None:
    crowd = Crowd(1)
    waiting = [crowd.come(name) for name in ("a1", "a2", "b1", "b2")][1:]
    for each in waiting[:2]:
        each.addErrback(lambda failure: failure.trap(CancelledError) and None)
        each.cancel()
    crowd.leave()
    assert (crowd.inside, len(crowd.queue)) == (["b2"], 0)


def test_of_each_so_many_wait_and_no_more() -> None:
    crowd = Crowd(1, most_waiting=2)
    for name in ("a1", "a2", "a3", "a4", "b1"):
        crowd.come(name)
    assert len(crowd.queue) == 3
    crowd.leave()
    crowd.come("a5")
    assert (crowd.inside, len(crowd.queue)) == (["a2"], 3)


def test_thousands_who_leave_at_once_do_not_stand_in_each_other() -> None:
    queue, been = Queue(1, 5_000), 0

    async def look_in() -> None:
        nonlocal been
        await queue.enter("a")
        been += 1
        queue.leave()

    ensureDeferred(queue.enter("b"))
    for _ in range(5_000):
        ensureDeferred(look_in())
    assert been == 0
    queue.leave()
    assert (been, len(queue)) == (5_000, 0)
