"""What makes the processes of several machines one, by REDIS_URL."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred

from yekta.link.lines import Lines
from yekta.redis.address import parse
from yekta.redis.stream import StreamWire
from yekta.redis.trouble import Trouble
from yekta.services.config import ConfigError


class Redis(Service):
    """``lines``: to all others.

    Raises `ConfigError` where what it takes is not installed, and where nothing can have the name of its host.
    """

    def __init__(self, reactor: Any, url: str) -> None:
        try:
            from yekta.redis.lasting import Lasting
        except ImportError:
            raise ConfigError("REDIS_URL needs txredisapi: pip install 'yekta[redis]'.") from None
        try:
            connect = partial(Lasting, reactor, parse(url), trouble=Trouble(reactor))
            self._wire = StreamWire(reactor, connect)
        except ValueError:
            # TLS asks for a name that a certificate can have (RFC 5890).
            raise ConfigError("REDIS_URL must name a host as a certificate does.") from None
        self.lines = Lines(self._wire, reactor, self.is_up)

    def is_up(self) -> bool:
        """Whether Redis is there."""
        return self._wire.is_up

    def startService(self) -> None:
        super().startService()
        self._wire.start()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return ensureDeferred(self._wire.leave())
