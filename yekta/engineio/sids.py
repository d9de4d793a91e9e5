"""Connection ids that say which process made them::

    4 characters: tag   16 of chance   .NAME

Each only where it is needed; without a tag, all 20 characters are of chance.

Where several processes serve one port, a polling request may reach another than the one that has its connection; by
the tag it is brought there (`yekta.web.handover`). Where each has a port of its own, a proxy in front goes by the name.
The first 20 characters are as many as `ids.new_id` makes; `settings.Settings` says why.
"""

from __future__ import annotations

import re
import secrets

from yekta.ids import new_id
from yekta.web.request import parse_target

_SID = re.compile(r"([A-Za-z0-9_-]{4})[A-Za-z0-9_-]{16}(?:\.[A-Za-z0-9]+)?")


def new_tag() -> str:
    """A name for one process."""
    return secrets.token_urlsafe(3)


def new_sid(tag: str, name: str = "") -> str:
    """An id made by the process ``tag``, if others may ask, which a proxy knows as ``name``, if one goes by it."""
    sid = tag + new_id()[len(tag) :]
    return f"{sid}.{name}" if name else sid


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
