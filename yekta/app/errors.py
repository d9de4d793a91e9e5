"""What the application raises when the caller, not the code, is wrong.

Knows no wire: the edge turns a :class:`ClientError` into an event, a packet or an HTTP status.
"""

from __future__ import annotations

# After how many seconds asking again is worth it where a 503 (RFC 9110, 15.6.4) knows no better.
RETRY_AFTER = 5.0


class ClientError(Exception):
    """A refusal whose words may be shown to the client.

    ``error`` is the short text that clients branch on, ``message`` the sentence for people (the same text
    when there is no better one), ``status`` the fitting HTTP status, ``retry_after`` seconds or ``None``,
    which with status 503 is `RETRY_AFTER`.
    """

    def __init__(
        self, error: str, message: str | None = None, *, status: int = 400, retry_after: float | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.message = error if message is None else message
        self.status = status
        self.retry_after = RETRY_AFTER if retry_after is None and status == 503 else retry_after


def forget_frames(error: BaseException) -> None:
    """Take from ``error`` the frames that it was raised through, which keep all that was known there."""
    for name in ("__traceback__", "__context__", "__cause__"):
        # A frozen one of older attrs has a way of its own to be set, which refuses.
        BaseException.__setattr__(error, name, None)
