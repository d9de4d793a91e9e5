"""What ``workers.py`` runs: says whose the inherited sockets are, before Twisted reads it at its first import."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """See `yekta.services.worker`."""
    os.environ["LISTEN_PID"] = str(os.getpid())
    from yekta.services import worker

    worker.main(*sys.argv[1:])


if __name__ == "__main__":
    main()
