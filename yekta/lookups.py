"""Names that many want to connect to, looked up once for all who ask meanwhile.

Twisted asks the system anew for each connection, in the few threads in which passwords are hashed, too. A name server
that is away lets it wait for many seconds: a few questions to an AI server of that name, and nobody could log in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer


def share(reactor: Any) -> None:
    """Have all lookups of ``reactor`` shared from now on."""
    if not isinstance(reactor.nameResolver, Lookups):
        reactor.installNameResolver(Lookups(reactor.nameResolver))


@implementer(IHostnameResolver)
@attrs.define(eq=False)
class Lookups:
    """Asks another resolver, unless it is being asked the same."""

    _resolver: IHostnameResolver
    # Who waits, by what was asked.
    _waiting: dict[tuple[object, ...], list[IResolutionReceiver]] = attrs.field(factory=dict, init=False)

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        kinds = None if addressTypes is None else frozenset(addressTypes)
        asked = (hostName, portNumber, kinds, transportSemantics)
        lookup = _Lookup(hostName)
        resolutionReceiver.resolutionBegan(lookup)
        waiting = self._waiting.setdefault(asked, [])
        waiting.append(resolutionReceiver)
        if len(waiting) == 1:
            found = _Found(partial(self._tell, asked))
            self._resolver.resolveHostName(found, hostName, portNumber, addressTypes, transportSemantics)
        return lookup

    def _tell(self, asked: tuple[object, ...], addresses: list[IAddress]) -> None:
        for receiver in self._waiting.pop(asked):
            for address in addresses:
                receiver.addressResolved(address)
            receiver.resolutionComplete()


@implementer(IHostResolution)
@attrs.frozen
class _Lookup:
    name: str

    def cancel(self) -> None:
        """Nothing: as with Twisted's own, a thread that asks the system cannot be stopped."""


@implementer(IResolutionReceiver)
@attrs.define(eq=False)
class _Found:
    """Gathers the addresses of one lookup."""

    _tell: Callable[[list[IAddress]], object]
    _addresses: list[IAddress] = attrs.field(factory=list, init=False)

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None: ...

    def addressResolved(self, address: IAddress) -> None:
        self._addresses.append(address)

    def resolutionComplete(self) -> None:
        self._tell(self._addresses)
