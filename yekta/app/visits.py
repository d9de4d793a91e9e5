"""The log of connections: one line for each, when it ends. Its id opens nothing."""

from __future__ import annotations

import random

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger


@attrs.frozen
class Visit:
    """``began``: in the clock's seconds."""

    id: str
    began: float


class Visits:
    """Says who was here, how, for how long, and why it ended."""

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    def begin(self) -> Visit:
        """Somebody has come."""
        return Visit(f"{random.getrandbits(32):08x}", self._clock.seconds())

    def end(self, visit: Visit, protocol: str, transport: str, address: str, reason: str) -> None:
        """They have gone. ``reason`` is one of few words, never a client's."""
        self._log.info(
            "connection {connection}: {protocol} over {transport} from {address}, {seconds} s, {reason}",
            connection=visit.id,
            protocol=protocol,
            transport=transport,
            address=address or "a local socket",
            seconds=round(self._clock.seconds() - visit.began, 3),
            reason=reason,
        )
