"""What an HTTP status or a lost connection means, as a :class:`ProviderError`. Pure functions.

Implements ``Retry-After`` (RFC 9110, section 10.2.3). The bodies of error answers are not read at all:
nothing in them may reach a client, and the status says enough.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from twisted.internet.error import TCPTimedOutError
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.web.client import RequestTransmissionFailed, ResponseFailed

from yekta.ai.provider import Kind, ProviderError

_KINDS = {
    408: Kind.TIMEOUT,
    413: Kind.TOO_LONG,
    429: Kind.OVERLOADED,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
}

# Seconds: a day. Who asks for more, up to numbers that are infinite, may be asked again all the same.
LONGEST = 86_400.0


def refused(status: int, retry_after: str | None, now: float) -> ProviderError:
    """The error for an HTTP ``status`` other than 200; ``now`` in seconds since the epoch."""
    kind = _KINDS.get(status, Kind.UNAVAILABLE if status >= 500 else Kind.REJECTED)
    seconds = None if retry_after is None else seconds_until(retry_after, now)
    return ProviderError(kind, status=status, retry_after=seconds)


def seconds_until(retry_after: str, now: float) -> float | None:
    """A ``Retry-After`` value, seconds or an HTTP date, in seconds from ``now``, at most `LONGEST`; ``None`` if
    neither."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST)
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - now), LONGEST)
    except (ValueError, OverflowError):
        return None


def lost(error: BaseException | None) -> ProviderError:
    """The error for a request that failed with ``error`` before its answer was read."""
    if isinstance(error, ProviderError):
        return error
    reasons = [reason.value for reason in getattr(error, "reasons", ())]
    why = "; ".join(_named(reason) for reason in reasons or [error])
    if isinstance(error, (ConnectTimeout, TCPTimedOutError)):
        return ProviderError(Kind.TIMEOUT, why=why)
    # Where TLS was not agreed on, nothing was said: whoever is there is not known.
    if isinstance(error, (RequestTransmissionFailed, ResponseFailed)) and not any(map(_is_of_tls, reasons)):
        return ProviderError(Kind.INTERRUPTED, why=why)
    return ProviderError(Kind.UNREACHABLE, why=why)


def _named(error: BaseException | None) -> str:
    """TLS errors say what is wrong with a certificate; others may quote what came."""
    return f"{type(error).__name__} {error}" if _is_of_tls(error) else type(error).__name__


def _is_of_tls(error: BaseException | None) -> bool:
    # By name: neither is known on this floor.
    return type(error).__module__.partition(".")[0] in ("OpenSSL", "service_identity")
