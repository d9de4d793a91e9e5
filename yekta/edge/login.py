"""Who comes in: from a token, wherever the door found it, to a session; and the words of a refusal."""

from __future__ import annotations

import attrs

from yekta.app.sessions import InvalidSession, Session, Sessions, StoreUnavailable

TOKEN_REQUIRED = "Authentication token required"
INVALID_TOKEN = "Invalid or expired session token"
STORE_DOWN = "Authentication failed"

# The same, to be counted.
REFUSALS = {TOKEN_REQUIRED: "required", INVALID_TOKEN: "invalid", STORE_DOWN: "unavailable"}


@attrs.frozen
class NotAuthenticated(Exception):
    """``message`` is one of the contract's three; ``status`` is the fitting HTTP status."""

    message: str
    status: int


async def authenticate(sessions: Sessions, token: str | None) -> Session:
    """The session of ``token``. Raises :class:`NotAuthenticated`, and counts it."""
    try:
        return await _find(sessions, token)
    except NotAuthenticated as refusal:
        sessions.refusals[REFUSALS[refusal.message]] += 1
        raise


async def _find(sessions: Sessions, token: str | None) -> Session:
    if not token:
        raise NotAuthenticated(TOKEN_REQUIRED, 401)
    try:
        return await sessions.find(token)
    except InvalidSession:
        raise NotAuthenticated(INVALID_TOKEN, 401) from None
    except StoreUnavailable:
        raise NotAuthenticated(STORE_DOWN, 503) from None
