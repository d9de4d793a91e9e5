"""How a command fails: with one sentence."""

from __future__ import annotations


class CommandError(Exception):
    """The sentence that ends the command. It quotes no token."""
