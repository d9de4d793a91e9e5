"""The log of connections: one line for each, when it ends. Its id opens nothing."""

from __future__ import annotations

import random

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

_log = Logger()


class Visits:
    """Says who was here, how, for how long, and why it ended."""

    def __init__(self, clock: IReactorTime) -> None:
        # When a visit begins, in seconds.
        self.now = clock.seconds

    def end(self, began: float, protocol: str, transport: str, address: str, reason: str) -> None:
        """Somebody has gone. ``reason`` is one of few words, never a client's."""
        _log.info(
            "connection {connection}: {protocol} over {transport} from {address}, {seconds} s, {reason}",
            connection=f"{random.getrandbits(32):08x}",
            protocol=protocol,
            transport=transport,
            address=address or "a local socket",
            seconds=round(self.now() - began, 3),
            reason=reason,
        )
