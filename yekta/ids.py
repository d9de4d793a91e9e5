"""Ids and tokens that nobody can guess, cut from larger pieces of the system's randomness: one call for many.

Where the system is a guest of another, a call takes as long as all the rest of a request.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from binascii import b2a_base64

# 15 bytes are 20 characters of base64, to the bit.
_BYTES, _LENGTH = 15, 20
_AT_ONCE = 128

# CONTRACT "Authentication".
_TOKEN_BYTES = 32

# The alphabet of base64 (RFC 4648, 4), to that of base64url, as it is and in the order of its codes.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_IN_ORDER = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
)

_unused: list[str] = []
_unused_bytes: list[bytes] = []


def new_id() -> str:
    """20 characters of base64url: 120 bits."""
    if not _unused:
        text = urlsafe_b64encode(os.urandom(_BYTES * _AT_ONCE)).decode()
        _unused.extend(text[start : start + _LENGTH] for start in range(0, len(text), _LENGTH))
    return _unused.pop()


def new_bytes() -> bytes:
    """32 bytes that nobody else gets."""
    if not _unused_bytes:
        block = os.urandom(_TOKEN_BYTES * _AT_ONCE)
        _unused_bytes.extend(block[start : start + _TOKEN_BYTES] for start in range(0, len(block), _TOKEN_BYTES))
    return _unused_bytes.pop()


def new_token() -> str:
    """43 characters of base64url: 256 bits."""
    return b2a_base64(new_bytes(), newline=False).translate(_URL_SAFE)[:-1].decode()


def new_row_id(seconds: float) -> str:
    """16 characters: the millisecond, and 48 bits of chance. Its order is that of time (as in RFC 9562, 5.7): a
    database's index of such ids grows at its end, where one of pure chance reads and writes a page for each."""
    base64 = b2a_base64(int(seconds * 1000).to_bytes(6, "big") + new_bytes()[:6], newline=False)
    return base64.translate(_IN_ORDER).decode()


def _forget() -> None:
    _unused.clear()
    _unused_bytes.clear()


if hasattr(os, "register_at_fork"):
    # Parent and child must not hand out the same ones.
    os.register_at_fork(after_in_child=_forget)
