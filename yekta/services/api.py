"""``twistd yektayar-api``: REST, Socket.IO, native WebSocket on one path, and the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yekta.services.options import ServiceOptions, makeService

if TYPE_CHECKING:
    from yekta.edge.site import ApiPort
    from yekta.services.node import Node

__all__ = ["Options", "makeService"]


class Options(ServiceOptions):
    """``twistd yektayar-api --help``."""

    service = "yektayar-api"

    def root(self, node: Node) -> ApiPort:
        from yekta.services import ports

        return ports.api(node)
