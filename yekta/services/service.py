"""What `api` and `ws` have in common: a node behind listening ports, started and stopped by twistd."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger

from yekta.app.database import DatabaseError
from yekta.edge.metrics import MetricsPort
from yekta.edge.site import too_large
from yekta.edge.words import PATH_WORDS
from yekta.engineio.sids import is_handshake, tag_of
from yekta.ports import Listening
from yekta.services import collector, control, limits
from yekta.services.config import ConfigError, Settings
from yekta.services.herald import Herald
from yekta.services.listening import listen
from yekta.services.logs import Logs
from yekta.services.node import Node
from yekta.services.options import ServiceOptions
from yekta.services.outermost import Outermost
from yekta.services.refusal import refuse
from yekta.web.access import AccessLog
from yekta.web.handover import Handover
from yekta.web.site import Site


class Gateway(Outermost):
    """``read`` gives the settings as they are now."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        options: ServiceOptions,
        settings: Settings,
        port: int,
        *,
        read: Callable[[], Settings],
        herald: Herald,
        logs: Logs,
    ) -> None:
        super().__init__(reactor, options.service, settings, port, herald=herald, logs=logs)
        self._options = options
        self._read = read

    def _open(self, name: str) -> None:
        try:
            node = Node(self._reactor, self._settings)
            inside = self._inside(node)
        except (ConfigError, DatabaseError) as error:
            refuse(name, str(error))
        node.setServiceParent(self)
        self._node = node
        root = self._options.root(node)
        site = Site(
            self._reactor,
            root,
            limits.of_site(self._settings),
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
            metrics = Site(self._reactor, MetricsPort(node.numbers), limits.of_site(self._settings))
            inside.append(("METRICS_LISTEN", self._settings.metrics_listen, metrics))
        # Under the node, they are there until the last client has gone.
        for setting, endpoint, factory in inside:
            self._listen(endpoint, factory, node, setting)

    def _inside(self, node: Node) -> list[tuple[str, str, IProtocolFactory]]:
        """The operator's ways in: setting, endpoint, and who answers there."""
        settings = self._settings
        ways: list[tuple[str, str, IProtocolFactory]] = []
        if settings.control_socket:
            adapter = node.socketio.sockets.adapter
            commands = control.Control(node.hub, adapter, settings.max_payload)
            ways.append(("CONTROL_SOCKET", control.endpoint(settings.control_socket), commands))
        if settings.manhole:
            ways.append(("MANHOLE", settings.manhole, _manhole(settings, node)))
        return ways

    def _listen(self, endpoint: str, site: IProtocolFactory, parent: MultiService, way: str = "") -> None:
        listen(str(self.name), endpoint, site, self._reactor, way).setServiceParent(parent)

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

    def _begun(self) -> None:
        super()._begun()
        collector.settle()
        self._log.info("{service} is ready", service=self.name)
        self._herald.ready()

    def _hurry(self) -> None:
        self._node.hurry()

    def _read_again(self) -> None:
        waiting = self._node.reload(self._read())
        self._log.info("{service} has read its settings again", service=self.name)
        if waiting:
            self._log.warn("A restart is needed for {names}", names=", ".join(waiting))


def _manhole(settings: Settings, node: Node) -> IProtocolFactory:
    try:
        from yekta.services import manhole
    except ImportError:
        raise ConfigError("MANHOLE needs the extra of that name: pip install 'yekta[manhole]'.") from None
    return manhole.factory(settings, {"node": node})
