"""What the application raises when the caller, not the code, is wrong.

Knows no wire: the edge turns a :class:`ClientError` into an event, a packet or an HTTP status.
"""

from __future__ import annotations


class ClientError(Exception):
    """A refusal whose words may be shown to the client.

    ``error`` is the short text that clients branch on, ``message`` the sentence for people (the same text
    when there is no better one), ``status`` the fitting HTTP status, ``retry_after`` seconds or ``None``.
    """

    def __init__(
        self, error: str, message: str | None = None, *, status: int = 400, retry_after: float | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.message = error if message is None else message
        self.status = status
        self.retry_after = retry_after
