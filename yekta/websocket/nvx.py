"""Unmasking in C (RFC 6455, 5.3), by the code that Autobahn brings along, where its wheel has it.

Autobahn's own way to that code makes five objects for each frame, and takes four times as long for a kilobyte.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from autobahn.websocket.xormasker import create_xor_masker

from yekta.websocket.frame import Unmask

_nvx: Any
try:
    _nvx = import_module("_nvx_xormasker")
except ImportError:
    # Autobahn without its C code: it knows another way.
    _nvx = None


def by_autobahn(mask: bytes, payload: bytes) -> bytes:
    """``payload`` with ``mask`` taken off, whatever is installed."""
    unmasked: bytes = create_xor_masker(mask, len(payload)).process(payload)
    return unmasked


def by_nvx(mask: bytes, payload: bytes) -> bytearray:
    """The same, where the C code is there."""
    buffer, ffi, lib = bytearray(payload), _nvx.ffi, _nvx.lib
    masker = lib.nvx_xormask_new(ffi.from_buffer(mask))
    lib.nvx_xormask_process(masker, ffi.from_buffer(buffer), len(buffer))
    lib.nvx_xormask_free(masker)
    return buffer


# For short payloads `frame.unmask` is faster.
unmask_long: Unmask = by_autobahn if _nvx is None else by_nvx
