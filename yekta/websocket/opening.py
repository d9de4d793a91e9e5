"""The opening handshake of plain requests (RFC 6455, 4.2): what every browser and `ws` send, answered in one write.

Autobahn's own costs more than all else that a connection does, and is for whatever is not plain here, be it valid or
not: this module refuses nothing.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Mapping
from hashlib import sha1
from types import MappingProxyType

from yekta.web.personal import Personal
from yekta.web.request import Request
from yekta.web.written import Written, write
from yekta.websocket.limits import Limits

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_KEY = re.compile("[A-Za-z0-9+/]{22}==")
_TARGET = re.compile(r"/(?!/)[A-Za-z0-9._~%/-]*(?:\?[!\"$-~]*)?")
_AUTHORITY = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[1-9][0-9]{0,3}|:[1-5][0-9]{4}|:6[0-4][0-9]{3})?"
_HOST = re.compile(_AUTHORITY)
_ORIGIN = re.compile("https?://" + _AUTHORITY)

_CONNECTIONS = frozenset(("upgrade", "keep-alive, upgrade"))

# What asks for more, or brings a body.
_OTHERS = frozenset(("sec-websocket-protocol", "content-length", "transfer-encoding", "expect"))

# What browsers and `ws` offer, where nothing is accepted; whatever else is offered may be refused for its form.
_OFFERS = frozenset(("", "permessage-deflate", "permessage-deflate; client_max_window_bits"))

# Fields that were found plain, where many requests share them (`yekta.web.alike`), by their identity: being here, none
# can be another's. At most so many, which is more than are shared at a time.
_KNOWN: dict[tuple[int, bool], Mapping[str, str]] = {}
_MOST = 512


def answer(target: str, asked: Request, key: str, headers: Mapping[str, str], limits: Limits) -> bytes | None:
    """The 101 for a plain request, with ``headers`` added; ``None`` where it is not plain."""
    plain = (
        asked.method == "GET"
        and _KEY.fullmatch(key) is not None
        and _TARGET.fullmatch(target) is not None
        and _are_plain(asked.headers, limits.deflate_threshold is None)
    )
    if not plain:
        return None
    accept = b2a_base64(sha1(key.encode() + _GUID).digest(), newline=False).decode()
    fields = headers.lines if isinstance(headers, Written) else write(tuple(headers.items()), False)
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        f"{fields}Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()


def _are_plain(given: Mapping[str, str], never_compresses: bool) -> bool:
    """Whether these fields ask for a WebSocket and nothing that Autobahn might mind."""
    while type(given) is Personal:
        # Nothing of what is looked at here is one client's own.
        given = given.shared
    name = id(given), never_compresses
    if name in _KNOWN:
        return True
    origin, offer = given.get("origin"), given.get("sec-websocket-extensions", "")
    plain = (
        given.get("sec-websocket-version") == "13"
        and given.get("upgrade", "").lower() == "websocket"
        and given.get("connection", "").lower() in _CONNECTIONS
        and _HOST.fullmatch(given.get("host", "")) is not None
        and (origin is None or _ORIGIN.fullmatch(origin) is not None)
        and (offer == "" or (never_compresses and offer in _OFFERS))
        and _OTHERS.isdisjoint(given)
    )
    if plain and isinstance(given, MappingProxyType):
        # Nobody can change it.
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        _KNOWN[name] = given
    return plain
