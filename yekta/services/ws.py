"""``twistd yektayar-ws``: Socket.IO and native WebSocket on one port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yekta.services.options import ServiceOptions, makeService

if TYPE_CHECKING:
    from yekta.edge.site import WebSocketPort
    from yekta.services.node import Node

__all__ = ["Options", "makeService"]


class Options(ServiceOptions):
    """``twistd yektayar-ws --help``."""

    service = "yektayar-ws"
    port_setting = "websocket_port"

    def root(self, node: Node) -> WebSocketPort:
        from yekta.services import ports

        return ports.ws(node)
