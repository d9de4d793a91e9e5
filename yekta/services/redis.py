"""The rooms of several machines, by REDIS_URL."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred

from yekta.redis.address import parse
from yekta.redis.stream import StreamWire
from yekta.services.config import ConfigError


class Redis(Service):
    """``wire``: what a cluster is made of. Raises `ConfigError` where what it takes is not installed."""

    def __init__(self, reactor: Any, url: str) -> None:
        try:
            from yekta.redis.lasting import Lasting
        except ImportError:
            raise ConfigError("REDIS_URL needs txredisapi: pip install 'yekta[redis]'.") from None
        self.wire = StreamWire(reactor, partial(Lasting, reactor, parse(url)))

    def startService(self) -> None:
        super().startService()
        self.wire.start()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return ensureDeferred(self.wire.leave())
