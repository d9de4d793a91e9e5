"""Sending everybody away little by little, so that ten thousand clients do not all come back in the same second.

    begin ──▶ a share of the peers each tick, in random order ──▶ wait for answers ──▶ empty
                └── who is being answered stays until it is, or until patience ends ──┘

Polling peers go first: where one of them needs a new connection, another process takes it, and knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater

from yekta.app.answers import STOPPING
from yekta.app.hub import Hub
from yekta.app.peer import Peer

# Seconds between two batches.
TICK = 0.1

# So few a second are no herd: a small crowd is not kept waiting for as long as a large one.
PACE = 50.0


class Drain:
    """``seconds``: in which everybody leaves. ``patience``: how long answers in flight are waited for, in seconds.

    ``shuffle`` brings a list into random order; ``serving`` is whether anybody else is being answered.
    """

    def __init__(
        self,
        hub: Hub,
        clock: IReactorTime,
        seconds: float,
        patience: float,
        *,
        shuffle: Callable[[list[Any]], object],
        serving: Callable[[], bool],
    ) -> None:
        self._clock = clock
        self._peers = hub.peers
        shuffle(self._peers)
        self._peers.sort(key=lambda peer: peer.transport != "polling")
        self._left = 0
        self._busy: list[Peer] = []
        self._serving = serving
        self._began = clock.seconds()
        self._spread = min(seconds, len(self._peers) / PACE)
        self._patience = patience
        self._ticking: LoopingCall | None = None

    def begin(self) -> Deferred[Any]:
        """Fires when nobody is left who was there at the beginning."""
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = self._clock
        return self._ticking.start(TICK)

    def hurry(self) -> None:
        """Wait for nobody any more."""
        self._spread = self._patience = 0.0

    def _tick(self) -> None:
        passed = self._clock.seconds() - self._began
        leaving = self._peers[self._left : self._due(passed)]
        self._left += len(leaving)
        self._busy = [peer for peer in [*self._busy, *leaving] if not self._send_away(peer, passed)]
        waits = self._busy or (self._serving() and passed < self._patience)
        if self._left == len(self._peers) and not waits and self._ticking is not None:
            self._ticking.stop()

    def _due(self, passed: float) -> int:
        everybody = len(self._peers)
        return everybody if passed >= self._spread else int(everybody * passed / self._spread)

    def _send_away(self, peer: Peer, passed: float) -> bool:
        if peer.since is not None:
            if peer.busy and passed < self._patience:
                return False
            peer.break_off(STOPPING)
            peer.send_away()
        return True


async def until(condition: Callable[[], bool], clock: IReactorTime, seconds: float) -> None:
    """Wait until ``condition()`` holds, but not for longer than ``seconds``."""
    end = clock.seconds() + seconds
    while not condition() and clock.seconds() < end:
        await deferLater(clock, TICK)
