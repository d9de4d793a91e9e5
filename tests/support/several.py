"""Several servers of one cluster, and clients that go from one to another.

    several = Several("ab")
    page = Page(several["a"])
    page.cut()
    page.come_to(several["b"])
    page.told                                      # the numbers of all events that it has heard, in their order
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.recovery import JAVASCRIPT
from tests.support.socketio import Browser, House
from tests.support.wires import Wires
from yekta.engineio.packet import Packet
from yekta.socketio.cluster import Cluster
from yekta.socketio.packet import decode_text
from yekta.socketio.recovery import Settings
from yekta.socketio.socket import Socket


class Several:
    """See the module. ``settings``: of all of them."""

    def __init__(self, names: str, *, settled: bool = True, **settings: Any) -> None:
        self.wires = Wires()
        self.houses: dict[str, House] = {}
        self.clusters: dict[str, Cluster] = {}
        self._settings = settings or {"recovery": Settings()}
        for name in names:
            self.begin(name)
        if settled:
            self.settle()

    def begin(self, name: str) -> House:
        """Another one."""
        self.clusters[name] = Cluster(self.wires.wire(name))
        self.houses[name] = House(self.clusters[name].adapter, **self._settings)
        return self.houses[name]

    def end(self, name: str) -> None:
        """One is no more."""
        house = self.houses.pop(name)
        adapters: list[Any] = [namespace.adapter for namespace in house.namespaces.values()]
        house.close()
        cluster = self.clusters.pop(name)
        self.wires.end(name)
        assert not cluster._questions
        assert not cluster.progress._waiting
        for adapter in adapters:
            assert not adapter._moving.incoming
            assert not adapter._moving.outgoing
            assert not adapter._relays

    def __getitem__(self, name: str) -> House:
        return self.houses[name]

    def settle(self) -> None:
        self.wires.settle()

    def advance(self, seconds: float) -> None:
        """Time passes everywhere."""
        for house in self.houses.values():
            house.clock.advance(seconds)

    def close(self) -> None:
        """All of them end; nothing is left."""
        self.settle()
        for name in list(self.houses):
            self.end(name)


class Page:
    """A client that recovers, as socket.io-client does. ``told``: what it has heard, since it last began anew.

    ``sids``: which ids it has had, one for each time that it began anew; ``errors``: what else it was told.
    """

    def __init__(self, house: House) -> None:
        self.told: list[Any] = []
        self.sids: list[str] = []
        self.errors: list[str] = []
        self.welcomed = False
        self.pid: str | None = None
        self._offset: str | None = None
        self.browser: Browser | None = None
        self.come_to(house)

    @property
    def connected(self) -> bool:
        """Whether there is a connection. Its server ends it where the client seems to be back elsewhere."""
        return self.browser is not None and self.browser.open

    @property
    def socket(self) -> Socket:
        """The server's side of it."""
        assert self.browser is not None
        socket: Socket = self.browser.connection.handler.socket_in("/")  # type: ignore[attr-defined]
        return socket

    def twin(self) -> Page:
        """Another page that knows the same."""
        twin = Page.__new__(Page)
        twin.__dict__.update(self.__dict__, told=list(self.told), sids=list(self.sids))
        return twin

    def come_to(self, house: House, *, listen: bool = True) -> None:
        """Connect, showing what it knows."""
        self.browser = house.browser(JAVASCRIPT)
        self.welcomed = False
        shown = {} if self.pid is None else {"pid": self.pid}
        if self._offset is not None:
            shown["offset"] = self._offset
        self.browser.say(f"0{json.dumps(shown)}" if shown else "0")
        if listen:
            self.read()

    def cut(self, read: int = 0) -> None:
        """Its connection breaks; of what is on its way, the first ``read`` packets still come."""
        assert self.browser is not None
        self._hear(self.browser.heard()[:read])
        self.browser.cut()
        self.browser = None

    def leave(self, read: int = 0) -> None:
        """Its connection breaks likewise, and its server does not notice."""
        assert self.browser is not None
        self._hear(self.browser.heard()[:read])
        self.browser = None

    def read(self) -> list[Any]:
        """Hear what has come, which this gives."""
        assert self.browser is not None
        before = len(self.told)
        self._hear(self.browser.heard())
        return self.told[before:]

    def say(self, message: Packet) -> None:
        assert self.browser is not None
        self.browser.say(message)

    def _hear(self, messages: list[Packet]) -> None:
        for message in messages:
            assert isinstance(message, str)
            if message[0] == "0":
                self._welcome(json.loads(message[1:]))
            elif message[0] == "2":
                *said, offset = decode_text(message)[0].data
                assert isinstance(offset, str), message
                self._offset = offset
                self.told.append(said)
            else:
                self.errors.append(message)

    def _welcome(self, facts: dict[str, str]) -> None:
        self.welcomed = True
        if self.pid != facts["pid"]:
            self.pid = facts["pid"]
            self.sids.append(facts["sid"])
            self.told.clear()
        assert self.sids[-1] == facts["sid"]


def lost(several: Several, *rooms: str) -> Page:
    """A client that was at ``a``, has heard an event there, and is lost."""
    page = Page(several["a"])
    page.socket.join(*rooms)
    page.socket.data["name"] = "sara"
    page.socket.emit("hello")
    page.cut(read=1)
    return page


def back(several: Several, page: Page, name: str = "b") -> Page:
    page.come_to(several[name])
    several.settle()
    page.read()
    return page
