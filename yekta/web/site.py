"""twisted.web with bounds: how large a request may be, how long it may take to arrive, how many may be connected.

Twisted Web limits a request's head (16 KiB, and 500 headers; here it is 100) but neither its body nor its time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from sys import intern

import attrs
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.web import http, server
from twisted.web.resource import IResource

from yekta.bounds import checked
from yekta.clocks import wall_clock
from yekta.rests import Rests
from yekta.timeouts import Timeouts
from yekta.web.access import AccessLog
from yekta.web.alike import Alike
from yekta.web.arrival import Doors
from yekta.web.bounded import BoundedRequest
from yekta.web.census import Census
from yekta.web.channel import Channel
from yekta.web.facts import address_of
from yekta.web.forwarded import NOBODY, Trusted, plainly
from yekta.web.front import Front
from yekta.web.handover import Give
from yekta.web.repeated import Repeated

# How long a client that does not read may keep a connection that is over, in seconds; as Twisted's.
ABORT = 15.0


@attrs.frozen(field_transformer=checked)
class Limits:
    """``max_body``: bytes of one request's body. ``request_timeout``: seconds for one whole request to arrive.

    ``max_connections``: TCP connections in all; ``max_per_address``: those of one client address, 0 is no limit.
    Loopback is excepted: a reverse proxy there speaks for many clients. ``trusted``: the proxies whose word is taken
    for where their clients are, and whose clients are counted in their place.
    """

    max_body: int = 1_000_000
    request_timeout: float = 60.0
    max_connections: int = 100_000
    max_per_address: int = 0
    trusted: Trusted = NOBODY


Refused = Callable[[int, bytes, "str | None", "str | None"], "tuple[Mapping[str, str], bytes]"]


def _say_nothing(status: int, path: bytes, origin: str | None, host: str | None) -> tuple[Mapping[str, str], bytes]:
    return {}, b""


BodyBegan = Callable[[bytes, http.Request], None]


def _ignore(target: bytes, request: http.Request) -> None:
    """Nobody wants to know."""


class Site(server.Site):
    """A site of bounded requests. ``refused(status, path, origin, host)`` gives the headers and body of the
    answer to what is refused before it has arrived: a body that is too large, 413, or one too many of an address, 429.

    ``body_began(target, request)`` is told when the body of a request begins to arrive, ``access`` of each answer.
    ``doors``: who serves plain requests without twisted.web (`front`); ``None`` is nobody. ``channels``: the
    connections that speak HTTP. ``route(target)``, where it is set, says to whom the connection of a request is to be
    given; ``None`` is nobody. While ``parting``, each answer is the last one on its connection. ``refusals``: how many
    answers had which status of 400 and above. ``rests``: shared with others that are served in the same turns.
    """

    def __init__(
        self,
        clock: IReactorTime,
        root: IResource,
        limits: Limits,
        refused: Refused = _say_nothing,
        body_began: BodyBegan = _ignore,
        doors: Doors | None = None,
        access: AccessLog | None = None,
        rests: Rests | None = None,
    ) -> None:
        super().__init__(
            root,
            requestFactory=BoundedRequest,
            timeout=limits.request_timeout,
            reactor=clock,
            parsePOSTFormSubmission=False,
        )
        self.clock = clock
        self.limits = limits
        self.refused = refused
        self.body_began = body_began
        self.access = access
        self.refusals: Counter[int] = Counter()
        self.census = Census(limits.max_connections, limits.max_per_address, limits.trusted)
        self.doors = doors
        self.rests = rests or Rests(clock)
        self.waiting: Timeouts[Front] = Timeouts(clock, limits.request_timeout, Front.expire)
        self.lingering: Timeouts[Front] = Timeouts(clock, ABORT, Front.cut)
        self._wall = wall_clock(clock)
        self._date = (-1, "")
        self.alike = Alike()
        self.repeated = Repeated()
        self.channels: set[Channel | Front] = set()
        self.route: Callable[[bytes], Give | None] | None = None
        self.parting = False

    @property
    def answering(self) -> bool:
        """Whether any request is on its way, or bound to come."""
        return any(channel.busy for channel in self.channels)

    def hang_up(self) -> None:
        """Close every connection, each after the answer that is on its way."""
        self.parting = True
        for channel in tuple(self.channels):
            channel.hang_up()

    def protocol(self) -> Channel:
        return Channel()

    def buildProtocol(self, addr: IAddress) -> Channel | Front | None:
        address = getattr(addr, "host", "")
        # Behind a proxy, all clients have the same.
        address = intern(plainly(address) if ":" in address else address)
        if not self.census.enter(address):
            return None
        since = self.clock.seconds()
        if self.doors is None:
            return self.channel(addr, address, since)
        front = Front(self, address, since)
        self.channels.add(front)
        return front

    def channel(self, addr: IAddress, address: str, since: float) -> Channel:
        """The protocol of a connection that is counted already, as one of ``address``."""
        channel: Channel = super().buildProtocol(addr)
        channel.address = channel.counted = address
        channel.since = since
        self.channels.add(channel)
        return channel

    def date(self) -> str:
        """The header of that name (RFC 9110, 6.6.1)."""
        now = int(self._wall())
        if self._date[0] != now:
            self._date = now, f"Date: {http.datetimeToString(now).decode()}\r\n"
        return self._date[1]

    def startFactory(self) -> None:
        """Twisted's would write an access log with whole URLs, tokens included."""

    def stopFactory(self) -> None:
        """Nothing was started."""

    def log(self, request: BoundedRequest) -> None:
        """A request was answered; called by Twisted, and for what is refused before it has arrived."""
        if request.code >= 400:
            self.refusals[request.code] += 1
        if self.access is not None:
            self.access.request(
                request.method.decode("latin-1"),
                request.path.decode("latin-1"),
                request.code,
                request.sentLength,
                request.seconds(),
                address_of(request),
            )
