"""How many may be connected, in all and from one address."""

from __future__ import annotations

from yekta.web.forwarded import NOBODY, Trusted, is_local, subscriber


class Census:
    """How many connections there are, in all and of each address, or IPv6 network (`subscriber`). ``most_of_one`` of 0
    is no limit; ``exempt``, and whoever is of this machine, may have any number.

    ``refused``: how many were one too many.
    """

    def __init__(self, most: int, most_of_one: int, exempt: Trusted = NOBODY) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._exempt = exempt
        self._places: dict[str, Place] = {}
        self.all = self.refused = 0

    def enter(self, address: str) -> bool:
        """Count one more, or say that it is one too many."""
        if self.all >= self._most or (self._most_of_one and self._is_full(address)):
            self.refused += 1
            return False
        self._enter(self._name(address) if self._most_of_one else address)
        return True

    def move(self, old: str, new: str) -> bool:
        """Count one of ``old`` at ``new`` from now on, or say that it is one too many there, and leave it."""
        self.leave(old)
        if self.enter(new):
            return True
        self._enter(self._name(old))
        return False

    def leave(self, address: str) -> None:
        """Count one less."""
        self.place(address)()

    def place(self, address: str) -> Place:
        """Where the connections of ``address`` are counted, as long as there are any; to be called when one is lost."""
        return self._places[self._name(address) if self._most_of_one else address]

    def _is_full(self, address: str) -> bool:
        place = self._places.get(self._name(address))
        return place is not None and place.count >= self._most_of_one and self._is_limited(address)

    def _is_limited(self, address: str) -> bool:
        return not is_local(address) and address not in self._exempt

    def _name(self, address: str) -> str:
        """By what it is counted. Who is not limited takes no room from neighbours that are."""
        return subscriber(address) if self._is_limited(address) else address

    def _enter(self, name: str) -> None:
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = Place(self, name)
        self.all += 1
        place.count += 1

    def vacate(self, name: str) -> None:
        """For a place: the last one has left."""
        del self._places[name]


class Place:
    """An address, and how many connections it has. Called when one is lost: all that each has to keep for that."""

    __slots__ = ("_census", "_name", "count")

    def __init__(self, census: Census, name: str) -> None:
        self.count = 0
        self._census = census
        self._name = name

    def __call__(self) -> None:
        census = self._census
        census.all -= 1
        self.count -= 1
        if not self.count:
            census.vacate(self._name)
