"""What `api` and `ws` have in common: a node behind listening ports, started and stopped by twistd."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger

from yekta import __version__, lookups
from yekta.app.database import DatabaseError
from yekta.edge.metrics import MetricsPort
from yekta.edge.path_words import PATH_WORDS
from yekta.edge.site import refused
from yekta.engineio.sids import is_handshake, tag_of
from yekta.ports import Listening
from yekta.services import collector, control, limits, ways
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
        *,
        read: Callable[[], Settings],
        herald: Herald,
        logs: Logs,
    ) -> None:
        super().__init__(reactor, options, settings, herald=herald, logs=logs)
        self._read = read

    def _open(self, name: str) -> None:
        lookups.share(self._reactor)
        try:
            node = Node(self._reactor, self._settings)
            inside = {
                setting: (endpoint, self._inside(setting, node))
                for setting, endpoint in ways.endpoints(self._settings).items()
            }
        except (ConfigError, DatabaseError) as error:
            refuse(name, str(error))
        node.setServiceParent(self)
        self._node = node
        root = self._options.root(node)
        site = Site(
            self._reactor,
            root,
            limits.of_site(self._settings),
            partial(refused, node.origins),
            node.socketio_resource.body_began,
            access=AccessLog(PATH_WORDS) if self._settings.access_log else None,
            doors=root if self._settings.http_short_path else None,
            rests=node.socketio.rests,
        )
        node.sites.append(site)
        if self._settings.handover_folder:
            self._hand_over(node, site)
        setting, endpoints = self._clients_endpoints()
        for endpoint in endpoints:
            # By its name a proxy finds this process, and no other; a socket of systemd's is the next one's, too.
            stays = self._settings.process_name and "systemd:" not in endpoint
            self._listen(setting, endpoint, site, node.ports if stays else self)
        # Under the node, they are there until the last client has gone.
        for setting, (endpoint, factory) in inside.items():
            self._listen(setting, endpoint, factory, node, late=True)

    def _inside(self, setting: str, node: Node) -> IProtocolFactory:
        """What answers at one of the operator's ways in. Raises `ConfigError`."""
        if setting == "MANHOLE":
            return ways.manhole(self._settings, {"node": node})
        if setting == "CONTROL_SOCKET":
            adapter, most = node.socketio.sockets.adapter, self._settings.max_payload
            return control.Control(node.hub, adapter, most, node.linked)
        return Site(self._reactor, MetricsPort(node.metrics), limits.of_site(self._settings))

    def _listen(
        self, setting: str, endpoint: str, site: IProtocolFactory, parent: MultiService, *, late: bool = False
    ) -> None:
        keep = self._node.certificates.append
        port = listen(str(self.name), setting, endpoint, site, self._reactor, late=late, keep=keep)
        port.setServiceParent(parent)

    def _hand_over(self, node: Node, site: Site) -> None:
        try:
            folder = ways.handover_folder(self._settings, str(self.name))
            handover = Handover(Listening(self._reactor), folder, node.tag, tag_of, is_handshake, site)
            handover.privilegedStartService()
        except ConfigError as error:
            refuse(str(self.name), str(error))
        except (CannotListenError, OSError) as error:
            refuse(str(self.name), str(ways.unusable(self._settings, error)))
        # Under the node, it is there until the last client has gone.
        handover.setServiceParent(node)
        node.handover = handover
        site.route = handover.route

    def _begun(self) -> None:
        super()._begun()
        collector.settle()
        # Twisted has named each port, or path, when it began to listen there.
        self._log.info("{service} is ready, yekta {version}", service=self.name, version=__version__)
        self._herald.ready()

    def _hurry(self) -> None:
        self._node.hurry()

    def _read_again(self) -> None:
        # First: one runs out, whatever is wrong with a setting.
        for each in self._node.certificates:
            each.renew()
        waiting = self._node.reload(self._read())
        self._log.info("{service} has read its settings again", service=self.name)
        if waiting:
            self._log.warn("A restart is needed for {names}", names=", ".join(waiting))
        self._options.tell_remarks(self._log)
