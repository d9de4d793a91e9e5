"""What `api` and `ws` have in common: a node behind listening ports, started and stopped by twistd."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.application import strports
from twisted.application.service import MultiService
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from twisted.web.resource import IResource

from yekta.app.database import DatabaseError
from yekta.edge.metrics import MetricsPort
from yekta.edge.site import too_large
from yekta.services.config import ConfigError, Settings, refuse
from yekta.services.node import Node
from yekta.web.channel import Site

# A terminal's Ctrl-C and the shell's own signal are one wish; a second one comes later, in seconds.
SAME_WISH = 1.0


class Gateway(MultiService):
    """``root(node)`` makes the root resource. Raises SystemExit, with a sentence, where it cannot start."""

    _log = Logger()

    def __init__(
        self, reactor: Any, name: str, settings: Settings, port: int, root: Callable[[Node], IResource]
    ) -> None:
        super().__init__()
        self.setName(name)
        self._reactor = reactor
        self._settings = settings
        self._root = root
        self._endpoints = settings.listen or endpoints(settings.host, port)
        self._is_open = False

    def startService(self) -> None:
        """``python -m twisted`` begins here: it knows no privileged start."""
        if not self._is_open:
            self.privilegedStartService()
        super().startService()

    def privilegedStartService(self) -> None:
        """Open the database and the ports; as root where twistd was started as root."""
        self._is_open = True
        try:
            node = Node(self._reactor, self._settings)
        except (ConfigError, DatabaseError) as error:
            refuse(str(self.name), str(error))
        node.setServiceParent(self)
        self._node = node
        site = Site(
            self._reactor,
            self._root(node),
            node.site_limits(),
            partial(too_large, node.origins),
            node.socketio_resource.body_began,
        )
        node.sites.append(site)
        for endpoint in self._endpoints:
            self._listen(endpoint, site, self)
        if self._settings.metrics_listen:
            metrics = Site(self._reactor, MetricsPort(node.numbers), node.site_limits())
            # Under the node, it is there until the last client has gone.
            self._listen(self._settings.metrics_listen, metrics, node)
        self._reactor.callWhenRunning(self._ready)

    def _listen(self, endpoint: str, site: Site, parent: MultiService) -> None:
        try:
            port = strports.service(endpoint, site, reactor=self._reactor)
        except Exception as error:
            # What else than ValueError a parser raises depends on the kind of endpoint: TypeError, IndexError, OSError…
            refuse(str(self.name), f"{endpoint!r} is not an endpoint: {error}.")
        try:
            port.privilegedStartService()
        except (CannotListenError, OSError) as error:
            reason = getattr(error, "socketError", None) or error
            refuse(str(self.name), f"Cannot listen on {endpoint}: {getattr(reason, 'strerror', None) or reason}.")
        port.setServiceParent(parent)

    def _ready(self) -> None:
        # Twisted's own handler makes twistd end by the same signal again; stopping as asked is no failure.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._reactor.callFromThread(self._stop))
        self._log.info("{service} is ready", service=self.name)

    def _stop(self) -> None:
        now = self._reactor.seconds()
        if self.running:
            self._asked = now
            self._reactor.stop()
        elif now - self._asked >= SAME_WISH:
            self._node.hurry()


def endpoints(host: str, port: int) -> tuple[str, ...]:
    """Endpoint strings for HOST; ``localhost`` is both of its addresses, where the machine has them."""
    hosts = ("127.0.0.1", "::1") if host == "localhost" else (host,)
    return tuple(
        f"tcp:{port}:interface={quoteStringArgument(each)}" for each in hosts if len(hosts) == 1 or _is_ours(each)
    )


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
