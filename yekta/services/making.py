"""What twistd gets for its command line: a service in this process, or the parent of several."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.application.service import IService

from yekta.edge.site import ApiPort, WebSocketPort
from yekta.services.config import Options, Settings
from yekta.services.herald import systemd
from yekta.services.node import Node
from yekta.services.service import Gateway
from yekta.services.workers import Workers


def make_service(
    reactor: Any, options: Options, port: int, root: Callable[[Node], ApiPort | WebSocketPort]
) -> IService:
    """See the module. ``port`` is the service's own setting."""
    settings: Settings = options["settings"]
    herald = systemd(reactor, os.environ)
    service: IService
    if settings.workers > 1:
        service = Workers(reactor, options.service, settings, port, options.given, herald)
    else:
        service = Gateway(reactor, options.service, settings, port, root, herald=herald, read=options.read)
    return service
