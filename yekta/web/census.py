"""How many may be connected, in all and from one address."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address


class Census:
    """How many connections there are, in all and of each address. ``most_of_one`` of 0 is no limit."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._addresses: Counter[str] = Counter()
        self._all = 0

    def enter(self, address: str, *, limited: bool = True) -> bool:
        """Count one more, or say that it is one too many. Where not ``limited``, one address may have any number."""
        if self._all >= self._most:
            return False
        one = self._most_of_one
        if limited and one and self._addresses[address] >= one and not _is_loopback(address):
            return False
        self._all += 1
        self._addresses[address] += 1
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
        self._all -= 1
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]


class Leave:
    """Counts one of ``address`` less, when called: all that a connection has to keep for that."""

    __slots__ = ("_address", "_census")

    def __init__(self, census: Census, address: str) -> None:
        self._census = census
        self._address = address

    def __call__(self) -> None:
        self._census.leave(self._address)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        # A UNIX socket: a proxy on this machine.
        return True
