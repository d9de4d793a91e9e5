"""What `api` and `ws` have in common: a node behind listening ports, started and stopped by twistd."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from twisted.application import strports
from twisted.application.service import MultiService
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized

from yekta.app.database import DatabaseError
from yekta.edge.metrics import MetricsPort
from yekta.edge.site import ApiPort, WebSocketPort, too_large
from yekta.edge.words import PATH_WORDS
from yekta.services import collector, control, redaction
from yekta.services.config import ConfigError, Settings, refuse
from yekta.services.logs import Logs
from yekta.services.node import Node
from yekta.tcp import Listening
from yekta.web.access import AccessLog
from yekta.web.channel import Site


class Gateway(MultiService):
    """``root(node)`` makes the root resource. Raises SystemExit, with a sentence, where it cannot start."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        name: str,
        settings: Settings,
        port: int,
        root: Callable[[Node], ApiPort | WebSocketPort],
        logs: Logs,
    ) -> None:
        super().__init__()
        self.setName(name)
        self.logs = logs
        self._reactor = reactor
        self._settings = settings
        self._root = root
        self._endpoints = settings.listen or endpoints(settings.host, port)
        self._is_open = False

    def setServiceParent(self, parent: Any) -> None:
        """twistd asks its application for an observer before it makes its own."""
        if self.logs.observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self.logs.observer)
        super().setServiceParent(parent)

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
            inside = self._inside(node)
        except (ConfigError, DatabaseError) as error:
            refuse(str(self.name), str(error))
        node.setServiceParent(self)
        root = self._root(node)
        site = Site(
            self._reactor,
            root,
            node.site_limits(),
            partial(too_large, node.origins),
            node.socketio_resource.body_began,
            access=AccessLog(PATH_WORDS) if self._settings.access_log else None,
            doors=root if self._settings.http_short_path else None,
        )
        for endpoint in self._endpoints:
            self._listen(endpoint, site)
        if self._settings.metrics_listen:
            metrics = Site(self._reactor, MetricsPort(node.numbers), node.site_limits())
            self._listen(self._settings.metrics_listen, metrics)
        for endpoint, factory in inside.items():
            self._listen(endpoint, factory)
        self._reactor.callWhenRunning(self._ready)

    def _inside(self, node: Node) -> dict[str, IProtocolFactory]:
        """The operator's ways in, by endpoint."""
        settings = self._settings
        ways: dict[str, IProtocolFactory] = {}
        if settings.control_socket:
            adapter = node.socketio.sockets.adapter
            ways[control.endpoint(settings.control_socket)] = control.Control(node.hub, adapter, settings.max_payload)
        if settings.manhole:
            ways[settings.manhole] = _manhole(settings, node)
        return ways

    def _listen(self, endpoint: str, site: IProtocolFactory) -> None:
        try:
            port = strports.service(endpoint, site, reactor=cast(Any, Listening(self._reactor)))
        except Exception as error:
            # What else than ValueError a parser raises depends on the kind of endpoint: TypeError, IndexError, OSError…
            refuse(str(self.name), f"{endpoint!r} is not an endpoint: {error}.")
        try:
            port.privilegedStartService()
        except (CannotListenError, OSError) as error:
            reason = getattr(error, "socketError", None) or error
            refuse(str(self.name), f"Cannot listen on {endpoint}: {getattr(reason, 'strerror', None) or reason}.")
        port.setServiceParent(self)

    def _ready(self) -> None:
        # Twisted's own handler makes twistd end by the same signal again; stopping as asked is no failure.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._reactor.callFromThread(self._stop))
        collector.settle()
        self._log.info("{service} is ready", service=self.name)

    def _stop(self) -> None:
        if self.running:
            self._reactor.stop()


def _manhole(settings: Settings, node: Node) -> IProtocolFactory:
    try:
        from yekta.services import manhole
    except ImportError:
        raise ConfigError("MANHOLE needs the extra of that name: pip install 'yekta[manhole]'.") from None
    return manhole.factory(settings, {"node": node})


def begin_log(reactor: Any, service: str, settings: Settings, options: Any) -> Logs:
    """Before twistd opens its log. Raises SystemExit where the log's file cannot be opened."""
    redaction.begin()
    logs = Logs(reactor.callFromThread)
    try:
        logs.begin(settings.log_format, options.parent)
    except OSError as error:
        refuse(service, f"Cannot write the log: {error.strerror}.")
    return logs


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
