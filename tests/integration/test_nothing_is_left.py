"""After thousands of connections of all kinds, cut at random moments, nothing is left."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import pytest_twisted
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure

from tests.support.attacks import frame, head
from tests.support.library import PATH, Library
from tests.support.lives import Crowd, furnish
from tests.support.patience import reactor, soon, turn
from yekta.engineio.connection import Connection
from yekta.socketio.adapter import InMemoryAdapter
from yekta.socketio.recovery import Settings as Recovery
from yekta.socketio.server import Server

# Longer than anything waits: a heartbeat, a handshake, a drain, a request, a session that may come back.
LONG = 200.0


# What must have happened for the test to mean something.
OFTEN = (
    "connected", "recovered", "refused", "thought a while", "thought for ever", "slow None", "slow for ever",
    "transport close", "transport error", "ping timeout", "parse error", "client namespace disconnect",
    "server namespace disconnect",
)  # fmt: skip


@pytest.fixture
def logged() -> Iterator[list[LogEvent]]:
    """Failures that were logged meanwhile."""
    events: list[LogEvent] = []

    def observe(event: LogEvent) -> None:
        if "log_failure" in event:
            events.append(event)

    globalLogPublisher.addObserver(observe)
    yield events
    globalLogPublisher.removeObserver(observe)


def ours() -> Counter[str]:
    """How many objects there are of our classes, and of those that keep others alive."""
    gc.collect()
    kinds = Counter(type(each) for each in gc.get_objects())
    counted = {kind: count for kind, count in kinds.items() if _counts(kind)}
    return Counter({kind.__qualname__: count for kind, count in counted.items()})


def _counts(kind: type) -> bool:
    return str(kind.__module__).startswith("yekta") or kind in (Deferred, DelayedCall)


def settle(library: Library) -> None:
    """Wait out every time-out."""
    for _ in range(40):
        library.clock.advance(LONG / 40)
    # Sessions that nobody came back for are forgotten when something happens.
    library.server.emit("trim")
    library.clock.advance(LONG)
    library.server.emit("trim")


def test_after_10_000_connections_cut_at_random_moments_nothing_is_left(logged: list[LogEvent]) -> None:
    recovery = Recovery(max_disconnection=30.0, max_sessions=100, max_events=200)
    library = Library(recovery=recovery, allow_eio3=True, max_backlog=10, ping_interval=5.0, ping_timeout=4.0)
    happened = furnish(library)
    crowd = Crowd(library, Random(20_260_131), at_once=60)
    crowd.live(500)
    settle(library)
    before, heads = ours(), len(library.site.repeated)
    crowd.live(9_500)
    adapter = library.server.sockets.adapter
    assert isinstance(adapter, InMemoryAdapter)
    assert adapter.history is not None
    assert len(adapter.history._sessions) <= 100
    assert len(adapter.history._events) <= 200
    settle(library)
    for often in OFTEN:
        assert happened[often] > 50, (often, happened)
    library.assert_empty()
    assert library.server.namespaces == ("/",)
    assert (len(adapter.history._sessions), len(adapter.history._events)) == (0, 0)
    # But for the heads that the site remembers, which are bounded.
    assert ours() - before == +Counter(Head=len(library.site.repeated) - heads)
    assert logged == []


# -- real sockets --------------------------------------------------------------------------------------------

SOCKETS, AT_ONCE = 500, 50

OPENING = head(
    "GET",
    f"{PATH}?EIO=4&transport=websocket",
    "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
# What a client says, cut off anywhere: at the end of a byte, of a frame, of all.
SPEECHES = (
    OPENING + frame(b"40") + frame(b'42["all","x"]') + frame(b'451-["echo",{"_placeholder":true,"num":0}]'),
    OPENING + frame(b"40") + frame(b"nonsense") + frame(b"never read"),
    head("GET", f"{PATH}?EIO=4&transport=polling"),
    head("GET", f"{PATH}?EIO=4&transport=polling") + head("GET", f"{PATH}?EIO=4&transport=polling"),
    head("GET", f"{PATH}?EIO=3&transport=polling&j=1"),
    head("POST", f"{PATH}?EIO=4&transport=polling", body=b"40" * 100),
    head("GET", "/nowhere"),
)


class Visitor(Protocol):
    """Says its speech, and leaves once it was answered, or at once."""

    def __init__(self, speech: bytes, leave: str) -> None:
        self.gone: Deferred[None] = Deferred()
        self._speech = speech
        self._leave = leave

    def connectionMade(self) -> None:
        self.transport.write(self._speech)
        if self._leave == "at once":
            self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        getattr(self.transport, self._leave)()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)


def open_sockets() -> set[str]:
    """The sockets of this process, as its file descriptors name them."""
    paths = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
    return {name for path in paths if path.is_symlink() and (name := os.readlink(path)).startswith("socket:")}


async def come_and_go(port: int, random: Random) -> None:
    """One visit."""
    speech = random.choice(SPEECHES)
    whole = random.random() < 0.5
    said = speech if whole else speech[: random.randrange(1, len(speech))]
    leave = random.choice(("loseConnection", "abortConnection", "at once")) if whole else "at once"
    visitor = Visitor(said, leave)
    await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), visitor)
    await soon(visitor.gone)


@pytest_twisted.ensureDeferred
async def test_after_500_real_sockets_no_file_descriptor_is_left(logged: list[LogEvent]) -> None:
    before = open_sockets()
    io = Server(reactor, allow_eio3=True, ping_interval=0.1, ping_timeout=0.1, connect_timeout=0.2)
    ended: list[str] = []
    waiting: list[Deferred[None]] = []

    @io.engine.hooks.on("connection")
    def connected(connection: Connection) -> None:
        done: Deferred[None] = Deferred()
        waiting.append(done)
        connection.hooks.on("close")(lambda reason, _: (ended.append(reason), done.callback(None)))

    factory = io.factory()
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
    random = Random(20_260_131)
    for _ in range(SOCKETS // AT_ONCE):
        visits = [ensureDeferred(come_and_go(port.getHost().port, random)) for _ in range(AT_ONCE)]
        await gatherResults(visits)
    await soon(gatherResults(waiting))
    await port.stopListening()
    # The server's ends are closed by the reactor's next turns.
    for _ in range(20):
        await turn()
    assert open_sockets() == before
    assert len(waiting) > SOCKETS / 4
    assert {"transport close", "forced close"} <= set(ended)
    assert (io.clients, io.engine.connections, io.websockets.count, factory.census.all) == ([], {}, 0, 0)
    assert logged == []
