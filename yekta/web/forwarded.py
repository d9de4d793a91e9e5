"""Where a client is, behind proxies that say so in ``X-Forwarded-For`` and ``X-Forwarded-Proto``.

Anyone can write these headers, and each proxy adds to the right what it saw itself. So they are read from the right,
and only as far as those who wrote them are trusted: the client is the first address that is no trusted proxy's (MDN,
"X-Forwarded-For", "Selecting an IP address"). Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import attrs

# What a peer without an address is called: a UNIX socket, whose file's mode says who may connect.
UNIX = "unix"

# As many proxies as a chain of them has at the most; parsing more only serves an attacker.
MAX_HOPS = 16

# How many addresses are remembered, each for what it is and whether it is trusted: a client comes again and again.
REMEMBERED = 4096

# Nothing longer, in characters, is an address.
_LONGEST = 64


@attrs.frozen
class Trusted:
    """The proxies that are believed: ``networks``, and with ``unix`` whoever comes through a UNIX socket."""

    networks: tuple[IPv6Network, ...] = ()
    unix: bool = False
    _remembered: Callable[[str], bool] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_remembered", lru_cache(maxsize=REMEMBERED)(self._is_trusted))

    def __contains__(self, address: str) -> bool:
        """Whether ``address``, ``""`` for a UNIX socket, is one of them."""
        if not address:
            return self.unix
        return len(address) <= _LONGEST and self._remembered(address)

    def _is_trusted(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self.networks)


NOBODY = Trusted()


def parse_trusted(items: Iterable[str]) -> Trusted:
    """Addresses, networks and ``unix``; `NOBODY` where there is none. Raises `ValueError`."""
    names = set(items)
    return NOBODY if not names else Trusted(tuple(map(_network, sorted(names - {UNIX}))), UNIX in names)


def whereabouts(sender: str, stated: str, headers: Mapping[str, str], trusted: Trusted) -> tuple[str, bool]:
    """The address of a request's client, and whether a proxy says that it came over TLS.

    ``sender`` is at the other end of the connection; ``stated`` is who that says it speaks for (PROXY protocol), or
    itself. The word of either kind counts only as far as it is trusted.
    """
    if sender not in trusted:
        return sender, False
    # The PROXY protocol's text may be any: one that is no address would be logged, and be nobody's who is counted.
    spelled = _spelled(stated) if len(stated) <= _LONGEST else None
    return client_address(spelled or sender, headers, trusted), is_secure(sender, headers, trusted)


def client_address(peer: str, headers: Mapping[str, str], trusted: Trusted) -> str:
    """The address of the client of a request that ``peer`` sent; where the headers say nothing usable, who sent it.

    ``headers``: lower-case names, repeated ones joined by commas.
    """
    address = peer
    hops = headers.get("x-forwarded-for", "").rsplit(",", MAX_HOPS)[-MAX_HOPS:]
    while hops and address in trusted:
        hop = _without_port(hops.pop().strip())
        spelled = _spelled(hop) if len(hop) <= _LONGEST else None
        if spelled is None:
            break
        address = spelled
    return address


@lru_cache(maxsize=REMEMBERED)
def is_local(address: str) -> bool:
    """Whether it is of this machine, loopback or a UNIX socket: whoever comes through a proxy that is there."""
    parsed = _parse(address)
    return parsed is None or (parsed.ipv4_mapped or parsed).is_loopback


@lru_cache(maxsize=REMEMBERED)
def subscriber(address: str) -> str:
    """Whom an address stands for where nobody may have too much. Who has IPv6 has at least a network of 64 bits
    (RFC 6177), and in it as many addresses as there are."""
    parsed = _parse(address)
    if parsed is None:
        return address
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed) >> 64 << 64, 64)))


def plainly(address: str) -> str:
    """As it is usually spelled: a socket that listens on both kinds sees 192.0.2.1 as ::ffff:192.0.2.1. What is none
    stays as it is."""
    return _spelled(address) or address


def is_secure(peer: str, headers: Mapping[str, str], trusted: Trusted) -> bool:
    """Whether ``peer``, where it is trusted, says that the client came over TLS."""
    return peer in trusted and headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower() == "https"


@lru_cache(maxsize=REMEMBERED)
def _spelled(text: str) -> str | None:
    """An address as it is usually spelled; ``None``: it is none. Not with its zone, which may be any text."""
    parsed = _parse(text)
    return None if parsed is None else str(parsed.ipv4_mapped or IPv6Address(int(parsed)))


def _parse(text: str) -> IPv6Address | None:
    """An address as IPv6, of which IPv4 is a part."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return _mapped(address) if isinstance(address, IPv4Address) else address


def _mapped(address: IPv4Address) -> IPv6Address:
    return IPv6Address(0xFFFF << 32 | int(address))


def _network(text: str) -> IPv6Network:
    network = ip_network(text)
    if isinstance(network, IPv6Network):
        return network
    return IPv6Network((_mapped(network.network_address), 96 + network.prefixlen))


def _without_port(text: str) -> str:
    """``192.0.2.1:80`` and ``[2001:db8::1]:80`` without their ports, and without brackets."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, _, _ = text.partition(":")
    return host if text.count(":") == 1 else text
