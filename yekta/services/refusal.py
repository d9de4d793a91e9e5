"""Where start-up cannot go on, it ends with one sentence."""

from __future__ import annotations

import sys
from typing import NoReturn


class Refused(SystemExit, Exception):
    """Start-up ends. Where a daemon's does by anything but an `Exception`, twistd leaves its terminal waiting."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.code = 1


def refuse(service: str, sentence: str) -> NoReturn:
    """End start-up with one sentence and a status that says so."""
    text = f"{service}: {sentence}"
    # Where a log has taken the place of standard error, whoever started us reads the real one.
    for stream in {sys.stderr, sys.__stderr__} - {None}:
        print(text, file=stream, flush=True)
    raise Refused(text)
