"""What twistd gets for its command line: a service in this process, or the parent of several."""

from __future__ import annotations

import os
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
    herald = systemd(reactor, os.environ)
    logs = _begin_log(reactor, options)
    for remark in options.remarks:
        _log.warn("{remark}", remark=remark)
    if settings.workers > 1:
        return Workers(reactor, options, herald=herald, logs=logs)
    return Gateway(reactor, options, settings, read=options.read, herald=herald, logs=logs)


def _begin_log(reactor: Any, options: ServiceOptions) -> Logs:
    """Before twistd opens its log. Raises SystemExit where the log's file cannot be opened."""
    redaction.begin()
    logs = Logs(reactor)
    try:
        logs.begin(options["settings"].log_format, options.parent)
    except OSError as error:
        refuse(options.service, f"Cannot write the log: {error.strerror}.")
    return logs
