"""Ids that nobody can guess, 120 bits each, cut from larger pieces of the system's randomness: one call for many."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode

# 15 bytes are 20 characters of base64, to the bit.
_BYTES, _LENGTH = 15, 20
_AT_ONCE = 128

_unused: list[str] = []


def new_id() -> str:
    """20 characters of base64url."""
    if not _unused:
        text = urlsafe_b64encode(os.urandom(_BYTES * _AT_ONCE)).decode()
        _unused.extend(text[start : start + _LENGTH] for start in range(0, len(text), _LENGTH))
    return _unused.pop()


if hasattr(os, "register_at_fork"):
    # Parent and child must not hand out the same ones.
    os.register_at_fork(after_in_child=_unused.clear)
