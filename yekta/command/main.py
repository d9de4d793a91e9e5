"""Entry of the ``yekta`` command. It imports the rest only where Ctrl-C has been seen to: that takes long enough."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

# What shells make of SIGINT.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, and leave with the sub-command's status."""
    signal.signal(signal.SIGINT, leave)
    from yekta.command.program import run

    run(arguments)


def leave(*_: object) -> None:
    """End the process at once, whatever it waits for: a name, a reader, a server."""
    os._exit(INTERRUPTED)
