"""How a command fails: with one sentence. Others' words are made harmless for a terminal."""

from __future__ import annotations

# C0 and C1, and what makes lines: with them a terminal is told what to do.
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}")
_OF_TEXT = _CONTROLS | {ord(letter): letter for letter in "\t\n"}


class CommandError(Exception):
    """The sentence that ends the command. It quotes no token."""


def plain(sentence: str) -> str:
    """A sentence in one line that commands no terminal, whoever's words it quotes."""
    return sentence.translate(_CONTROLS)


def plain_text(text: str) -> str:
    """The same of a text, which may have lines."""
    return text.translate(_OF_TEXT)
