"""What a wire needs of a connection to Redis; `yekta.redis.lasting` is one."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred


class Lost(Exception):
    """There is no connection any more."""


class Refused(Exception):
    """Redis does not do what it is told: the code that it gives for it."""


class Connection(Protocol):
    """See `yekta.redis.lasting.Lasting`."""

    is_up: bool

    def start(self) -> None: ...

    def stop(self) -> Deferred[None]: ...

    def call(self, *command: bytes) -> Deferred[Any]: ...

    def abort(self, why: str = "") -> None: ...
