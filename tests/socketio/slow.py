"""Listeners that take their time."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from yekta.socketio.socket import Socket


class Slow:
    """A listener for ``slow`` and ``fast`` events that notes what it sees; slow ones wait until they are let go."""

    def __init__(self, socket: Socket) -> None:
        self.calls: list[Any] = []
        self.waiting: list[Deferred[Any]] = []
        socket.on("slow")(self.slow)
        socket.on("fast")(self.fast)

    async def slow(self, name: Any) -> Any:
        self.calls.append(name)
        gate: Deferred[Any] = Deferred()
        self.waiting.append(gate)
        try:
            result = await gate
        except CancelledError:
            self.calls.append(f"{name} cancelled")
            raise
        self.calls.append(f"{name} done")
        return result

    def fast(self, name: Any) -> str:
        self.calls.append(name)
        return f"{name}!"

    def go(self, result: Any = None) -> None:
        self.waiting.pop(0).callback(result)
