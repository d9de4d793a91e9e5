"""Log files, opened anew after somebody else has moved them away (SIGHUP, as logrotate sends it)."""

from __future__ import annotations

from twisted.logger import globalLogPublisher
from twisted.python.logfile import LogFile


def reopen() -> None:
    """Open twistd's own log file again, where it writes one."""
    # twistd keeps its observer to itself.
    for observer in globalLogPublisher._observers:
        file = getattr(observer, "_outFile", None)
        if isinstance(file, LogFile):
            file.reopen()
