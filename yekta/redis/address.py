"""Where a Redis server is: ``redis://[[user]:password@]host[:port][/database]``, ``rediss://`` for TLS, or
``unix:///path[?db=database]``."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import attrs

PORT = 6379


@attrs.frozen
class Address:
    """``path``: of a UNIX socket, instead of ``host`` and ``port``."""

    host: str = ""
    port: int = PORT
    path: str = ""
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    database: int = 0
    tls: bool = False


def parse(url: str) -> Address:
    """What ``url`` says. Raises :class:`ValueError`, which does not quote it."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
        if parts.scheme == "unix":
            fields = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
            path, database = unquote(parts.path), fields.pop("db", ["0"])[0]
            named = bool(path) and not fields
        else:
            path, database = "", parts.path.removeprefix("/") or "0"
            named = bool(parts.hostname) and parts.scheme in ("redis", "rediss") and not parts.query
        if not named or parts.fragment or not (database.isascii() and database.isdigit()):
            raise ValueError
    except ValueError:
        raise ValueError("not a URL of Redis") from None
    return Address(
        host=parts.hostname or "",
        port=port,
        path=path,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        database=int(database),
        tls=parts.scheme == "rediss",
    )
