"""Names that many want to connect to, looked up once for all who ask meanwhile.

Twisted asks the system anew for each connection, in the few threads in which passwords are hashed, too. A name server
that is away lets it wait for many seconds: a few questions to an AI server of that name, and nobody could log in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IReactorTime, IResolutionReceiver
from twisted.logger import Logger
from zope.interface import implementer

# Seconds after which the same is asked anew: Twisted's own resolver never ends where it could not have a thread.
LONGEST = 60.0


def share(reactor: Any) -> None:
    """Have all lookups of ``reactor`` shared from now on."""
    if not isinstance(reactor.nameResolver, Lookups):
        reactor.installNameResolver(Lookups(reactor.nameResolver, reactor))


@attrs.define(eq=False)
class _Asked:
    """One lookup that goes on, and who waits for it."""

    since: float
    receivers: list[IResolutionReceiver] = attrs.field(factory=list, init=False)


@implementer(IHostnameResolver)
@attrs.define(eq=False)
class Lookups:
    """Asks another resolver, unless it is being asked the same."""

    _log = Logger()

    _resolver: IHostnameResolver
    _clock: IReactorTime
    # By what is asked.
    _asked: dict[tuple[object, ...], _Asked] = attrs.field(factory=dict, init=False)

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        kinds = None if addressTypes is None else frozenset(addressTypes)
        what = (hostName, portNumber, kinds, transportSemantics)
        lookup, now = _Lookup(hostName), self._clock.seconds()
        resolutionReceiver.resolutionBegan(lookup)
        asked = self._asked.get(what)
        if asked is not None and now - asked.since < LONGEST:
            asked.receivers.append(resolutionReceiver)
            return lookup
        asked = self._asked[what] = _Asked(now)
        asked.receivers.append(resolutionReceiver)
        found = _Found(partial(self._tell, what, asked))
        self._resolver.resolveHostName(found, hostName, portNumber, addressTypes, transportSemantics)
        return lookup

    def _tell(self, what: tuple[object, ...], asked: _Asked, addresses: list[IAddress]) -> None:
        if self._asked.get(what) is asked:
            del self._asked[what]
        for receiver in asked.receivers:
            try:
                for address in addresses:
                    receiver.addressResolved(address)
                receiver.resolutionComplete()
            except Exception:
                # The others wait for the same.
                self._log.failure("Whoever asked for {name} failed to hear of it", name=what[0])


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
