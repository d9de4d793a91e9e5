"""The session that a command speaks in."""

from __future__ import annotations

from yekta.command.failure import CommandError
from yekta.command.network import Network, base, origin

# Of yektayar-api, where none is given.
DEFAULT_URL = "http://localhost:3000"


async def acquire(network: Network, url: str) -> str:
    """The token of a new session. Raises :class:`CommandError`."""
    answer = await network.request("POST", f"{base(url)}/api/auth/acquire-session")
    body = answer.json
    data = body.get("data") if isinstance(body, dict) else None
    token = data.get("token") if isinstance(data, dict) else None
    if answer.status != 200 or not isinstance(token, str):
        raise CommandError(f"{origin(url)} gave no session: HTTP {answer.status}.")
    return token


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token: unlike a URL, no log of any proxy keeps it. Raises :class:`CommandError`."""
    if not (token.isascii() and token.isprintable()):
        raise CommandError("The token is not one: no header can have its letters.")
    return {"Authorization": f"Bearer {token}"}
