"""The settings of Engine.IO."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from yekta.bounds import checked, positive
from yekta.ids import new_id
from yekta.web.forwarded import NOBODY, Trusted
from yekta.web.origins import Origins
from yekta.web.request import Request

AllowRequest = Callable[[Request], "bool | Awaitable[bool | None] | Deferred[bool | None] | None"]


@attrs.frozen
class Cookie:
    """A cookie with the connection's sid, for load balancers that keep a client at one server."""

    name: str = "io"
    path: str = "/"
    http_only: bool = True
    same_site: str = "Lax"

    def header(self, sid: str) -> str:
        """The value of ``Set-Cookie`` (RFC 6265, 4.1)."""
        # Browsers drop a cookie for other sites that is not secure.
        flags = "; HttpOnly" * self.http_only, "; Secure" * (self.same_site.lower() == "none")
        return f"{self.name}={sid}; Path={self.path}{flags[0]}; SameSite={self.same_site}{flags[1]}"


# What a connection may be made of.
TRANSPORTS = ("polling", "websocket")


def _some(instance: object, field: attrs.Attribute[Any], value: Any) -> None:
    some = value if isinstance(value, Collection) and not isinstance(value, str) else ()
    if not some or any(each not in TRANSPORTS for each in some):
        raise ValueError(f"{field.name} must be some of {TRANSPORTS}, not {value!r}")


@attrs.frozen(field_transformer=checked)
class Settings:
    """Seconds and bytes. The defaults are Node's where it has them.

    ``max_payload``: the longest message, and the longest POST. ``max_queued``: what may wait for a slow client.
    ``max_polling_per_address``: connections of one client address that poll, 0 is no limit. They need no TCP connection
    to stay, so whoever limits those does not limit these. Loopback is excepted, and whoever is in ``exempt``: a proxy
    there speaks for many clients.
    ``drain_timeout``: how long a closed polling connection waits for a poll to take the rest; and a POST, for one to
    take what waits, where that is more than three quarters of ``max_queued``.
    ``allow_request``: asked before a new connection; a false answer or a `Refusal` refuses.
    ``allow_eio3``: serve clients of Engine.IO 3 (Socket.IO 2) too. ``initial_packet``: sent after each handshake.
    ``http_compression``: compress longer polling answers where the client can take it; ``None`` is never.
    ``close_codes``: say on WebSocket why we close; Node never does.
    """

    transports: tuple[str, ...] = attrs.field(default=TRANSPORTS, validator=_some)
    allow_upgrades: bool = True
    allow_eio3: bool = False
    ping_interval: float = attrs.field(default=25.0, validator=positive)
    ping_timeout: float = attrs.field(default=20.0, validator=positive)
    upgrade_timeout: float = 10.0
    drain_timeout: float = 30.0
    max_payload: int = attrs.field(default=1_000_000, validator=positive)
    max_queued: int = 1 << 20
    max_connections: int = 100_000
    max_polling_per_address: int = 0
    exempt: Trusted = NOBODY
    origins: Origins = attrs.field(factory=lambda: Origins(("*",)))
    allow_request: AllowRequest | None = None
    cookie: Cookie | None = None
    # 20 characters, by which Node's sharded adapter knows a private room.
    generate_id: Callable[[], str] = new_id
    initial_packet: str | bytes | None = None
    http_compression: int | None = None
    close_codes: bool = True
