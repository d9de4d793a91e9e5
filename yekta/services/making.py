"""What twistd gets for its command line: a service in this process, or the parent of several."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.logger import Logger

from yekta.services import redaction
from yekta.services.config import Settings
from yekta.services.herald import systemd
from yekta.services.logs import Logs
from yekta.services.options import ServiceOptions
from yekta.services.refusal import refuse
from yekta.services.service import Gateway
from yekta.services.workers import Workers

_log = Logger()


def make(reactor: Any, options: ServiceOptions) -> IService:
    """See the module."""
    settings: Settings = options["settings"]
    _check_pidfile(options)
    herald = systemd(reactor, os.environ)
    logs = _begin_log(reactor, options)
    options.tell_remarks(_log)
    if settings.workers > 1:
        return Workers(reactor, options, herald=herald, logs=logs)
    return Gateway(reactor, options, settings, read=options.read, herald=herald, logs=logs)


def _check_pidfile(options: ServiceOptions) -> None:
    """Before the ports are opened; twistd would end in a traceback once they are. Raises SystemExit."""
    runner = options.parent
    # What is below another root is twistd's to find.
    if runner is not None and runner.get("pidfile") and not runner.get("chroot"):
        path = Path(runner["rundir"], runner["pidfile"])
        try:
            _write_nothing(path)
        except OSError as error:
            sentence = f"Cannot write {path.absolute()} (--pidfile, which may be empty): {error.strerror}."
            refuse(options.service, sentence)


def _write_nothing(path: Path) -> None:
    """Open a file as who writes it, and leave things as they were. May raise `OSError`."""
    is_new = not os.path.lexists(path)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    if is_new:
        path.unlink()


def _begin_log(reactor: Any, options: ServiceOptions) -> Logs:
    """Before twistd opens its log. Raises SystemExit where the log's file cannot be opened."""
    redaction.begin()
    logs = Logs(reactor)
    try:
        logs.begin(options["settings"].log_format, options.parent)
    except OSError as error:
        refuse(options.service, f"Cannot write the log ({error.filename}, --logfile): {error.strerror}.")
    return logs
