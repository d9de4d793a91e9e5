"""Connection ids that say which process made them: a tag of four characters, and sixteen of chance.

Where several processes serve one port, a polling request may reach another than the one that has its connection; by the
tag it is brought there (`yekta.web.handover`). All of it is 20 characters, as `settings.new_sid` explains.
"""

from __future__ import annotations

import re
import secrets

from yekta.web.request import parse_target

_SID = re.compile(r"([A-Za-z0-9_-]{4})[A-Za-z0-9_-]{16}")


def new_tag() -> str:
    """A name for one process."""
    return secrets.token_urlsafe(3)


def new_sid(tag: str) -> str:
    """An id made by the process ``tag``."""
    return tag + secrets.token_urlsafe(12)


def is_handshake(target: bytes) -> bool:
    """Whether a request's target asks for a new connection."""
    return b"EIO=" in target and b"sid=" not in target


def tag_of(target: bytes) -> str | None:
    """Which process made the id in a request's target, if there is one that may be ours."""
    if b"sid=" not in target:
        return None
    try:
        sid = parse_target(target.decode("latin-1"))[1].get("sid", "")
    except ValueError:
        return None
    match = _SID.fullmatch(sid)
    return None if match is None else match[1]
