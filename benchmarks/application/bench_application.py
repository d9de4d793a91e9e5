"""``twistd yektayar-bench``: yektayar-api as it is, with three more events that all servers of the comparison have.

Authentication, limits, the database and metrics are on, and the options are those of yektayar-api.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yekta.services import options

if TYPE_CHECKING:
    from twisted.application.service import IService

    from yekta.edge.site import ApiPort
    from yekta.services.node import Node

__all__ = ["Options", "makeService"]


class Options(options.ServiceOptions):
    """``twistd yektayar-bench --help``."""

    service = "yektayar-bench"

    def root(self, node: Node) -> ApiPort:
        from bench_events import root

        return root(node)


def makeService(given: Options) -> IService:
    """As of yektayar-api, without what is to be left out."""
    from bench_without import leave_out

    leave_out()
    return options.makeService(given)
