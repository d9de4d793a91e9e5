"""An OpenAI-compatible server on a real loopback socket, for services in other processes, that a test plays by hand.

    ai = PlayedAI()
    await ai.start()                               # AI_BASE_URL=ai.base_url
    generation = await ai.asked()                  # as tests.support.provider's: say, finish, fail, cancelled
    await ai.stop()
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from tests.support.openai import chunk, event
from tests.support.patience import soon
from yekta.ai.provider import Kind

reactor: Any = _reactor


class PlayedGeneration:
    """One answer, as the test plays it."""

    def __init__(self, request: Request) -> None:
        self.is_cancelled = False
        self.cancelled: Deferred[None] = Deferred()
        self._request: Any = request
        self._over = False
        request.setHeader("Content-Type", "text/event-stream")
        request.notifyFinish().addErrback(self._hung_up)
        # Whoever has heard nothing may take a connection that was kept for stale, and ask again.
        request.write(b": here\n\n")

    def say(self, text: str) -> None:
        self._request.write(event(chunk(text)))

    def finish(self) -> None:
        self._over = True
        self._request.write(event(chunk(None, finish_reason="stop")) + b"data: [DONE]\n\n")
        self._request.finish()

    def fail(self, kind: Kind) -> None:
        """Break off, when all that was said has gone out."""
        assert kind is Kind.INTERRUPTED
        self._over = True
        self._request.transport.loseConnection()

    def _hung_up(self, reason: object) -> None:
        if not self._over:
            self.is_cancelled = True
            self.cancelled.callback(None)


class _Completions(Resource):
    isLeaf = True

    def __init__(self, ai: PlayedAI) -> None:
        super().__init__()
        self._ai = ai

    def render_GET(self, request: Request) -> bytes:
        return b'{"data": []}'

    def render_POST(self, request: Request) -> int:
        generation = PlayedGeneration(request)
        self._ai.generations.append(generation)
        self._ai.queue.put(generation)
        return NOT_DONE_YET


class PlayedAI:
    """``generations``: all that were asked for."""

    def __init__(self) -> None:
        self.generations: list[PlayedGeneration] = []
        self.queue: DeferredQueue[PlayedGeneration] = DeferredQueue()

    async def start(self) -> None:
        self._port = reactor.listenTCP(0, Site(_Completions(self)), interface="127.0.0.1")
        self.base_url = f"http://127.0.0.1:{self._port.getHost().port}/v1"

    async def stop(self) -> None:
        await self._port.stopListening()

    def asked(self) -> Deferred[PlayedGeneration]:
        """Fires with the next generation that somebody asks for."""
        return soon(self.queue.get())
