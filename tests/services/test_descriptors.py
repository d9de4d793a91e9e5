from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yekta.services.descriptors import Descriptors, Owners

STEPS = st.lists(st.tuples(st.sampled_from(("add", "discard")), st.integers(0, 5_000)))


@given(STEPS, st.integers(-2, 10_000))
def test_it_is_a_set(steps: list[tuple[str, int]], another: int) -> None:
    ours, pythons = Descriptors(), set[int]()
    for step, fd in steps:
        getattr(ours, step)(fd)
        getattr(pythons, step)(fd)
        assert (fd in ours) == (fd in pythons)
    assert sorted(ours) == sorted(pythons)
    assert (another in ours) == (another in pythons)


def test_what_is_no_member_cannot_be_removed() -> None:
    ours = Descriptors()
    ours.add(3)
    ours.remove(3)
    for fd in (3, -1, 1 << 20):
        with pytest.raises(KeyError):
            ours.remove(fd)
    assert list(ours) == []


@given(STEPS)
def test_it_is_a_table(steps: list[tuple[str, int]]) -> None:
    ours, pythons = Owners(), dict[int, object]()
    for step, fd in steps:
        if step == "add":
            ours[fd] = pythons[fd] = object()
        else:
            pythons.pop(fd, None)
            del ours[fd]
        assert ours[fd] is pythons.get(fd)
    assert dict(ours.items()) == pythons
