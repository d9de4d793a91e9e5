"""How many may be connected, in all and from one address."""

from __future__ import annotations

from yekta.web.forwarded import is_local


class Census:
    """How many connections there are, in all and of each address. ``most_of_one`` of 0 is no limit.

    ``refused``: how many were one too many.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._places: dict[str, Place] = {}
        self.all = self.refused = 0

    def enter(self, address: str, *, limited: bool = True) -> bool:
        """Count one more, or say that it is one too many. Where not ``limited``, one address may have any number."""
        if self.all >= self._most:
            self.refused += 1
            return False
        place = self._places.get(address)
        if place is None:
            place = self._places[address] = Place(self, address)
        elif limited and 0 < self._most_of_one <= place.count and not is_local(address):
            self.refused += 1
            return False
        self.all += 1
        place.count += 1
        return True

    def move(self, old: str, new: str, *, limited: bool = True) -> bool:
        """Count one of ``old`` at ``new`` from now on, or say that it is one too many there, and leave it."""
        self.leave(old)
        if self.enter(new, limited=limited):
            return True
        self.enter(old, limited=False)
        return False

    def leave(self, address: str) -> None:
        """Count one less."""
        self._places[address]()

    def place(self, address: str) -> Place:
        """Where the connections of ``address`` are counted, as long as there are any; to be called when one is lost."""
        return self._places[address]

    def vacate(self, address: str) -> None:
        """For a place: the last one has left."""
        del self._places[address]


class Place:
    """An address, and how many connections it has. Called when one is lost: all that each has to keep for that."""

    __slots__ = ("_address", "_census", "count")

    def __init__(self, census: Census, address: str) -> None:
        self.count = 0
        self._census = census
        self._address = address

    def __call__(self) -> None:
        census = self._census
        census.all -= 1
        self.count -= 1
        if not self.count:
            census.vacate(self._address)
