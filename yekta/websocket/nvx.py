"""Unmasking in C (RFC 6455, 5.3), by the code that Autobahn brings along, where its wheel has it.

Autobahn's own way to that code makes five objects for each frame, and takes seven times as long for a kilobyte. Where
it has no such code, its way is a loop in Python, thirty times as long as `frame.unmask`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from yekta.websocket.frame import Unmask, unmask

_nvx: Any
try:
    _nvx = import_module("_nvx_xormasker")
except ImportError:
    _nvx = None
else:
    _new, _process, _free = _nvx.lib.nvx_xormask_new, _nvx.lib.nvx_xormask_process, _nvx.lib.nvx_xormask_free


def by_nvx(mask: bytes, payload: bytes) -> bytes:
    """``payload`` with ``mask`` taken off, in place: it must be new, as a slice is, and more than a byte.

    What is immutable to Python is not yet so to C, as long as nobody has seen it: a copy that can be written, and the
    way to it, would take as long as all of this.
    """
    masker = _new(mask)
    _process(masker, payload, len(payload))
    _free(masker)
    return payload


unmask_long: Unmask = unmask if _nvx is None else by_nvx
