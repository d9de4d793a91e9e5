"""TLS as Twisted serves it, without waiting twice for the reactor's next turn.

Twisted gathers what is written to a TLS connection until the next turn, and then hands the records to TCP, which waits
for the turn after that. What is gathered here already (`yekta.websocket.outgoing`) is better encrypted at once, and
sent at once (`yekta.tcp.Carrier`). Handshakes, producers, closing and everything else stay Twisted's own.
"""

from __future__ import annotations

from typing import Any

from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory, TLSMemoryBIOProtocol


class TlsTransport(BufferingTLSTransport):
    """The transport of one protocol over TLS."""

    # A lost connection waits for the client's goodbye, even where all is sent.
    unsent = True

    def write_now(self, data: bytes) -> None:
        """As `write`, but what TCP takes at once is gone when this returns."""
        self._aggregator.flush()
        TLSMemoryBIOProtocol.write(self, data)


def wrapped(factory: Any, context: Any, clock: Any) -> TLSMemoryBIOFactory:
    """``factory``, for a port whose connections are TLS; ``context`` makes them, as for `TLSMemoryBIOFactory`."""
    wrapper = TLSMemoryBIOFactory(context, False, factory, clock)
    wrapper.protocol = TlsTransport
    return wrapper
