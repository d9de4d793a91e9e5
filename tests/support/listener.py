"""Who hears what comes over a mesh."""

from __future__ import annotations

from yekta.socketio.cluster_words import Unreadable, Word


class Listener:
    """``seen``, in their order, and ``told``: whose words, by their kind. ``refusing``: it understands nothing.

    ``met``: whoever has ever been seen.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.met: set[str] = set()
        self.told: list[tuple[str, int]] = []
        self.refusing = False

    def came(self, name: str) -> None:
        assert name not in self.seen
        self.seen.append(name)
        self.met.add(name)

    def went(self, name: str) -> None:
        self.seen.remove(name)

    def reached(self, name: str, number: int) -> None:
        raise AssertionError

    def heard(self, name: str, word: Word) -> None:
        assert name in self.seen
        if self.refusing:
            raise Unreadable
        self.told.append((name, word.kind))
