"""The log of connections: one line for each, when it ends. Its id opens nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from yekta.informing import inform
from yekta.turns import EndOfTurn

_log = Logger()

# How many seconds it took; protocol, transport, address and reason.
Visit = tuple[float, str, str, str, str]


class Visits:
    """Says who was here, how, for how long, and why it ended."""

    def __init__(self, reactor: Any) -> None:
        # When a visit begins, in seconds.
        self.now: Callable[[], float] = reactor.seconds
        self._ended: EndOfTurn[Visit] = EndOfTurn(reactor, _tell)

    def end(self, began: float, protocol: str, transport: str, address: str, reason: str) -> None:
        """Somebody has gone. ``reason`` is one of few words, never a client's."""
        self._ended.add((self.now() - began, protocol, transport, address, reason))


def _tell(ended: list[Visit]) -> None:
    for seconds, protocol, transport, address, reason in ended:
        inform(
            _log,
            "connection {connection}: {protocol} over {transport} from {address}, {seconds} s, {reason}",
            connection=f"{random.getrandbits(32):08x}",
            protocol=protocol,
            transport=transport,
            address=address or "a local socket",
            seconds=round(seconds, 3),
            reason=reason,
        )
