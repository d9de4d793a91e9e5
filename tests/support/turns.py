"""The reactor of the tests, as one that says when its turns end."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as _reactor

from yekta.tcp import Corked

reactor: Any = _reactor


class Turns:
    """See the module. What is corked is uncorked in the next turn."""

    def __init__(self) -> None:
        self.corked = self

    def append(self, connection: Corked) -> None:
        reactor.callLater(0, connection.uncork)

    def watch(self, descriptor: int, owner: Any) -> None:
        reactor.addReader(owner)

    def forget(self, descriptor: int) -> None:
        for ours, remove in ((reactor.getReaders, reactor.removeReader), (reactor.getWriters, reactor.removeWriter)):
            for each in [each for each in ours() if each.fileno() == descriptor]:
                remove(each)

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)
