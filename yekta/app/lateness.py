"""How late the reactor comes to what is due, which is how long each client waits for all the others."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from yekta.alarm import Alarm
from yekta.durations import Durations

# Seconds from one look at the clock to the next.
_INTERVAL = 1.0


class Lateness(Service):
    """``durations``: one a second, while the service runs."""

    def __init__(self, clock: IReactorTime) -> None:
        self.durations = Durations((0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5))
        self._clock = clock
        self._alarm = Alarm(clock, self._look)
        self._due = 0.0

    def startService(self) -> None:
        super().startService()
        self._expect()

    def stopService(self) -> None:
        super().stopService()
        self._alarm.clear()

    def _expect(self) -> None:
        self._due = self._clock.seconds() + _INTERVAL
        self._alarm.set(_INTERVAL)

    def _look(self) -> None:
        self.durations.add(self._clock.seconds() - self._due)
        self._expect()
