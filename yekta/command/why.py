"""Why a server does not answer, in a few words."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, TimeoutError
from twisted.internet.error import ConnectingCancelledError
from twisted.python.failure import Failure

# How an attempt ends that took too long: before there is a connection, Twisted has an error of its own for it.
LATE = (TimeoutError, CancelledError, ConnectingCancelledError)


def why(error: BaseException) -> str:
    """Of an error of Twisted's, or of a library's under it: no word of the server's is quoted."""
    reasons = getattr(error, "reasons", None)
    if reasons and isinstance(reasons[0], Failure) and reasons[0].value is not None:
        error = reasons[0].value
        if type(error).__module__.startswith("twisted.web") or isinstance(error, ValueError):
            return "What it says is not HTTP"
    if isinstance(error, LATE):
        return "It took too long"
    # Libraries that only `yekta.tls` knows.
    if type(error).__module__.startswith("service_identity"):
        return "Its certificate is of another name"
    if type(error).__module__.startswith("OpenSSL"):
        return f"TLS failed: {_openssl(error) or 'no reason is given'}"
    return str(error) or type(error).__name__


def _openssl(error: BaseException) -> str:
    # A list of (library, function, reason), where there is any.
    told = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(str(each[-1]) for each in told)
