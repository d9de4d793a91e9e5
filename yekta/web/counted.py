"""What both kinds of connection of a `Site` have in common: whom each is counted for, and how new it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yekta.web.site import Site

# Who has just connected is about to ask: for so many seconds it is not hung up on.
YOUNG = 1.0


class Counted:
    """``address``: who is at its other end. ``counted``: whom it counts for, which is the same, but for the time of a
    request that a trusted proxy has sent for a client of its own. ``since``: when it came, in the site's seconds.
    """

    site: Site
    address: str
    counted: str
    since: float
    _asked = False

    def count_for(self, client: str) -> bool:
        """Count for ``client`` from now on; or say that it is one too many there."""
        if client != self.counted:
            if not self.site.census.move(self.counted, client):
                return False
            self.counted = client
        return True

    def leave(self) -> None:
        """It is lost."""
        self.site.census.leave(self.counted)
        self.site.channels.discard(self)

    @property
    def about_to_ask(self) -> bool:
        """Whether it is too new to be hung up on, as nothing has come yet."""
        return not self._asked and self.site.clock.seconds() - self.since < YOUNG
