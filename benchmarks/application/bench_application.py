"""``twistd yektayar-bench``: yektayar-api as it is, with three more events that all servers of the comparison have.

Authentication, limits, the database and metrics are on, and the options are those of yektayar-api.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.application.service import IService

from yekta.services.options import ServiceOptions

if TYPE_CHECKING:
    from yekta.edge.site import ApiPort
    from yekta.services.node import Node


class Options(ServiceOptions):
    """``twistd yektayar-bench --help``."""

    service = "yektayar-bench"

    def root(self, node: Node) -> ApiPort:
        from bench_events import root

        return root(node)


def makeService(options: Options) -> IService:
    """Called by twistd."""
    # Not before the options have chosen a reactor.
    from twisted.internet import reactor

    from yekta.services.making import make_service

    return make_service(reactor, options, options["settings"].port)
