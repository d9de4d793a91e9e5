"""Whether something goes as soon as nobody wants it, without the collector.

    with forgotten() as expect:
        thing = …
        expect(thing)
        del thing                                  # whatever the test itself knows of it
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref


@contextmanager
def forgotten() -> Iterator[Callable[[Any], None]]:
    """Fails at its end where anything expected is still there."""
    expected: list[ref[Any]] = []
    collects = gc.isenabled()
    gc.disable()
    try:
        yield lambda thing: expected.append(ref(thing))
        assert expected
        assert [each() for each in expected if each() is not None] == []
    finally:
        if collects:
            gc.enable()


class Listener:
    """Hears the texts of an answer."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def hear(self, text: str) -> None:
        self.texts.append(text)
