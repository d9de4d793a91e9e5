from __future__ import annotations

from random import Random

from yekta.lru import Lru


def test_the_least_recently_used_makes_room() -> None:
    lru: Lru[str, int] = Lru(2)
    lru.put("a", 1)
    lru.put("b", 2)
    assert lru.get("a") == 1
    lru.put("c", 3)
    assert ("a" in lru, "b" in lru, "c" in lru) == (True, False, True)
    assert lru.get("b") is None
    assert len(lru) == 2


def test_putting_again_replaces_and_refreshes() -> None:
    lru: Lru[str, int] = Lru(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        lru.put(key, value)
    assert lru.get("a") == 3
    assert "b" not in lru
    lru.put("a", 5)
    lru.put("a", 6)
    assert (lru.take("a"), lru.get("a")) == (6, None)


def test_discarding_the_unknown_does_nothing() -> None:
    lru: Lru[str, int] = Lru(2)
    lru.put("a", 1)
    lru.discard("a")
    lru.discard("a")
    assert len(lru) == 0


def test_what_is_taken_is_gone() -> None:
    lru: Lru[str, int] = Lru(2)
    lru.put("a", 1)
    assert (lru.take("a"), lru.take("a"), len(lru)) == (1, None, 0)


def test_nothing_is_left_of_what_is_gone_however_long_it_was_not_used() -> None:
    lru: Lru[str, int] = Lru(6)
    for key in ("discarded", "taken", "replaced", "new"):
        lru.put(key, 1)
    lru.discard("discarded")
    lru.put("replaced", 2)
    assert (lru.take("taken"), lru.take("replaced")) == (1, 2)
    assert [key for key in ("discarded", "taken", "replaced", "new") if key in lru] == ["new"]


def test_the_half_that_was_used_last_is_always_here_and_never_more_than_the_limit() -> None:
    lru: Lru[int, int] = Lru(10)
    used: list[int] = []
    random = Random(1)
    for _ in range(2000):
        key = random.randrange(30)
        if lru.get(key) is None:
            lru.put(key, key)
        assert lru.get(key) == key
        used = [*(each for each in used if each != key), key][-5:]
        assert len(lru) <= 10
        assert all(each in lru for each in used)
