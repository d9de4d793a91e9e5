"""Whose an answer is, and the conversations that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from yekta.app.session_store import Session


@attrs.frozen
class Owner:
    """Whose answer it is: a session, and its user if somebody is logged in."""

    session: str
    user: str | None = None
    # An address is not a person: who shares it neither joins nor resumes what another asked.
    returns: bool = True

    @classmethod
    def of(cls, session: Session) -> Owner:
        """Whose answers one sees who has ``session``: its own, and its user's from all devices."""
        return cls(session.id, session.user_id if session.is_logged_in else None)

    @property
    def names(self) -> list[str]:
        """Of the session, and of the user: answers are found by either."""
        session = f"session:{self.session}"
        return [session] if self.user is None else [session, f"user:{self.user}"]

    @property
    def name(self) -> str:
        """Who keeps conversations: the user on all devices, else the session."""
        return self.names[-1]
