"""The bounds of a WebSocket connection, and the words for its end."""

from __future__ import annotations

import attrs

from yekta.bounds import checked, positive

# Close codes (RFC 6455, 7.4.1 and the IANA registry).
NORMAL, GOING_AWAY, POLICY, TOO_BIG, SERVICE_RESTART = 1000, 1001, 1008, 1009, 1012
NO_CODE, NO_CLOSE = 1005, 1006

# Why we cut a connection, for our log.
SLOW_CONSUMER, PING_TIMEOUT, VIOLATION = "slow consumer", "ping timeout", "protocol violated"


@attrs.frozen(field_transformer=checked)
class Limits:
    """Bounds of one connection; bytes and seconds.

    ``max_message``: a longer message closes with 1009, measured after decompression.
    ``max_fragments``: a tiny fragment costs far more than its bytes.
    ``max_queued``: what may wait, beside the socket's own buffer, for a client that does not read.
    ``close_timeout``: how long the client may take to answer our close frame.
    ``ping_interval``, ``ping_timeout``: ping a silent client, cut one that stays silent; 0 is never.
    ``deflate_threshold``: compress longer messages where the client offers it; ``None`` is never (RFC 7692).
    """

    max_message: int = attrs.field(default=1_000_000, validator=positive)
    max_fragments: int = 1024
    max_queued: int = 1 << 20
    close_timeout: float = 5.0
    ping_interval: float = 0.0
    ping_timeout: float = 20.0
    deflate_threshold: int | None = None
