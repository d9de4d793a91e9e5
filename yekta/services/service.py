"""What `api` and `ws` have in common: a node behind listening ports, started and stopped by twistd."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger

from yekta.app.database import DatabaseError
from yekta.edge.metrics import MetricsPort
from yekta.edge.site import ApiPort, WebSocketPort, too_large
from yekta.edge.words import PATH_WORDS
from yekta.engineio.sids import is_handshake, tag_of
from yekta.services import collector, control
from yekta.services.config import ConfigError, Settings
from yekta.services.herald import Herald
from yekta.services.listening import endpoints, listen
from yekta.services.logs import Logs
from yekta.services.node import Node
from yekta.services.refusal import refuse
from yekta.services.signals import Signals
from yekta.tcp import Listening
from yekta.web.access import AccessLog
from yekta.web.channel import Site
from yekta.web.handover import Handover


class Gateway(MultiService):
    """``root(node)`` makes the root resource. Raises SystemExit, with a sentence, where it cannot start.

    ``read`` gives the settings as they are now.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        name: str,
        settings: Settings,
        port: int,
        root: Callable[[Node], ApiPort | WebSocketPort],
        *,
        herald: Herald,
        logs: Logs,
        read: Callable[[], Settings],
    ) -> None:
        super().__init__()
        self.setName(name)
        self._herald = herald
        self._logs = logs
        self._read = read
        self._reactor = reactor
        self._settings = settings
        self._root = root
        self._endpoints = settings.listen or endpoints(settings.host, port)
        self._is_open = False

    def setServiceParent(self, parent: Any) -> None:
        """See `Logs.write_for`."""
        self._logs.write_for(parent)
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
        self._node = node
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
        node.sites.append(site)
        if self._settings.handover_folder:
            self._hand_over(node, site)
        for endpoint in self._endpoints:
            self._listen(endpoint, site, self)
        if self._settings.metrics_listen:
            metrics = Site(self._reactor, MetricsPort(node.numbers), node.site_limits())
            inside[self._settings.metrics_listen] = metrics
        # Under the node, they are there until the last client has gone.
        for endpoint, factory in inside.items():
            self._listen(endpoint, factory, node)
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

    def _listen(self, endpoint: str, site: IProtocolFactory, parent: MultiService) -> None:
        listen(str(self.name), endpoint, site, self._reactor).setServiceParent(parent)

    def _hand_over(self, node: Node, site: Site) -> None:
        # Others than this service would not know what comes after on the same connection.
        folder = Path(self._settings.handover_folder) / str(self.name)
        handover = Handover(Listening(self._reactor), folder, node.tag, tag_of, is_handshake, site)
        try:
            folder.mkdir(0o700, exist_ok=True)
            handover.privilegedStartService()
        except (CannotListenError, OSError) as error:
            refuse(str(self.name), f"HANDOVER_FOLDER cannot be used: {getattr(error, 'socketError', None) or error}.")
        # Under the node, it is there until the last client has gone.
        handover.setServiceParent(node)
        node.handover = handover
        site.whither = handover.whither

    def _ready(self) -> None:
        node = self._node
        Signals(self._reactor, stop=self._reactor.stop, hurry=node.hurry, reload=self._reload).install()
        collector.settle()
        self._log.info("{service} is ready", service=self.name)
        self._herald.ready()

    def stopService(self) -> Deferred[None]:
        """See `Node.stopService`."""
        self._herald.stopping()
        stopped: Deferred[None] = maybeDeferred(super().stopService)
        return stopped.addBoth(self._over)

    def _over(self, result: Any) -> Any:
        self._herald.silent()
        return result

    def _reload(self) -> None:
        self._herald.reloading()
        try:
            self._logs.reopen()
            waiting = self._node.reload(self._read())
        except (ConfigError, OSError) as error:
            self._log.error("{error} What was set before stays.", error=str(error))
        else:
            self._log.info("{service} has read its settings again", service=self.name)
            if waiting:
                self._log.warn("A restart is needed for {names}", names=", ".join(waiting))
        self._herald.ready()


def _manhole(settings: Settings, node: Node) -> IProtocolFactory:
    try:
        from yekta.services import manhole
    except ImportError:
        raise ConfigError("MANHOLE needs the extra of that name: pip install 'yekta[manhole]'.") from None
    return manhole.factory(settings, {"node": node})
