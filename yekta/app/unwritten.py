"""What was said in conversations while the database could not take it. It waits in memory until the database can.

Who has read an answer has seen it, and is not to miss it because the database was away at that moment. Knows no
database. A restart loses what waits.
"""

from __future__ import annotations

import attrs

from yekta.ai.provider import Message

# Questions with their answers, and the characters of all: ten times as many as may be asked at a time as things are
# set, each in four thousand characters. They take 16 MB at the most.
MOST, MOST_CHARACTERS = 1000, 4_000_000

# Of one owner: who goes on while nothing can be written takes nobody else's room.
MOST_OF_ONE = 32

# Whose, and which conversation.
Name = tuple[str, str]


@attrs.frozen(eq=False)
class Said:
    """``turns``, said in POSIX second ``at``; of no use where the conversation was deleted after ``since``."""

    name: Name
    turns: tuple[Message, ...] = attrs.field(repr=False)
    at: float
    since: float | None

    @property
    def length(self) -> int:
        return sum(len(turn.content) for turn in self.turns)


class Unwritten:
    """Few, and none at all while the database is well: they are looked through. ``lost``: for how many was no room,
    and what was given up."""

    def __init__(self) -> None:
        self.lost = 0
        self._waiting: list[Said] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, said: Said) -> bool:
        """Whether there is room for it."""
        own = sum(each.name[0] == said.name[0] for each in self._waiting)
        characters = said.length + sum(each.length for each in self._waiting)
        if own >= MOST_OF_ONE or len(self._waiting) >= MOST or characters > MOST_CHARACTERS:
            self.lost += 1
            return False
        self._waiting.append(said)
        return True

    def of(self, name: Name) -> list[Said]:
        """What waits in one conversation, in its order."""
        return [said for said in self._waiting if said.name == name]

    def names(self) -> list[Name]:
        """The conversations in which something waits."""
        return list(dict.fromkeys(said.name for said in self._waiting))

    def put_last(self, name: Name) -> None:
        """Let all other conversations come before this one."""
        self._waiting.sort(key=lambda said: said.name == name)

    def remove(self, said: Said) -> None:
        """It waits no more."""
        self._waiting.remove(said)
