"""Whose an answer is, and the conversations that are kept."""

from __future__ import annotations

import attrs


@attrs.frozen
class Owner:
    """Whose answer it is: a session, and its user if somebody is logged in."""

    session: str
    user: str | None = None
    # An address is not a person: who shares it neither joins nor resumes what another asked.
    returns: bool = True

    @property
    def name(self) -> str:
        """Who keeps conversations: the user on all devices, else the session."""
        return f"session:{self.session}" if self.user is None else f"user:{self.user}"
