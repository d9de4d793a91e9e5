"""A whole node in memory, on a clock of its own, and how much all that it holds contains.

    node = ClockedNode()
    http = node.http()                             # a connection to the API's port
    before = node.contents()
    …                                              # lives, each to its end
    node.settle()
    assert node.contents() == before
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from ipaddress import ip_network
from types import FunctionType, MethodType
from typing import Any

import argon2
from twisted.internet.defer import ensureDeferred
from twisted.python.failure import Failure

from tests.support.clocks import TwoClocks
from tests.support.gateway import MemoryAccounts, NoDatabase
from tests.support.memory import HttpClient
from tests.support.provider import ScriptedGeneration, ScriptedProvider
from tests.support.session_stores import FakeOutage
from yekta.ai.provider import IProvider
from yekta.app.accounts import Accounts
from yekta.app.passwords import Passwords
from yekta.app.sessions import Sessions
from yekta.lru import Lru
from yekta.services import config, limits, ports
from yekta.services.node import Node
from yekta.web.repeated import Repeated
from yekta.web.site import Site

# Longer than anything waits that is not written down: an answer that is kept.
LONG, STEP = 700.0, 5.0

# What stays within a bound of its own, whatever comes.
BOUNDED = (Lru, Repeated)


class _Reactor(TwoClocks):
    """A clock whose threads are done at once."""

    running = True

    def getThreadPool(self) -> _Reactor:
        return self

    def callFromThread(self, function: Callable[..., object], *args: Any) -> None:
        function(*args)

    def callInThreadWithCallback(self, told: Callable[[bool, Any], object], work: Callable[[], Any]) -> None:
        try:
            result = work()
        except Exception:
            told(False, Failure())
        else:
            told(True, result)


class _Emptied(NoDatabase):
    """It has no rows."""

    async def change(self, work: Any) -> int:
        return 0

    async def query(self, sql: str, *parameters: Any) -> list[Any]:
        return []


class ClockedNode(Node):
    """See the module. ``provider`` is played by the test, as by `generation`."""

    def __init__(self, **settings: str) -> None:
        self.store = FakeOutage()
        self.users = MemoryAccounts()
        self.provider = ScriptedProvider()
        self._addresses = ip_network("10.0.0.0/8").hosts()
        self.clock = _Reactor(1_769_850_302.0)
        super().__init__(self.clock, config.load({"LINK_FOLDER": "off", **settings}, {}))
        self.startService()
        self.sites = [
            Site(self.clock, root, limits.of_site(self.settings), doors=root, rests=self.socketio.rests)
            for root in (ports.api(self), ports.ws(self))
        ]

    def http(self) -> HttpClient:
        """A new connection to port 3000, from an address that nobody has had before."""
        return HttpClient(self.sites[0], self.clock, str(next(self._addresses)))

    def acquire(self) -> str:
        """The token of a new session."""
        acquired: list[Any] = []
        ensureDeferred(self.sessions.acquire()).addCallback(acquired.append)
        token: str = acquired[0][0]
        return token

    def generation(self) -> ScriptedGeneration:
        """The answer that somebody has just asked for; nobody else knows of it."""
        self.provider._queue.pending.clear()
        return self.provider.generations.pop()

    def settle(self) -> None:
        """Wait out all that is waited for."""
        for _ in range(round(LONG / STEP)):
            self.clock.advance(STEP)
        # What recovery keeps is looked through when something is said.
        self.socketio.emit("anything")

    def contents(self) -> Mapping[str, int]:
        """The length of each container that can be reached, by the way there, and how many delayed calls there are."""
        lengths = Counter(_lengths(self))
        lengths["delayed calls"] = len(self.clock.getDelayedCalls())
        return lengths

    def _open_database(self) -> None:
        database: Any = _Emptied()
        self._database = database
        self.sessions = Sessions(self.store, self.clock)
        hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.accounts = Accounts(self.users, self.sessions, Passwords(self.clock, hasher=hasher), self.clock)

    def _provider(self) -> IProvider:
        return self.provider


def _lengths(root: object) -> Iterator[str]:
    """The way to a container, once for each thing in it."""
    seen: set[int] = set()
    ways: deque[tuple[str, object]] = deque([("node", root)])
    # Each thing is held until the end, so that no other has its address.
    kept: list[object] = []
    while ways:
        way, thing = ways.popleft()
        if id(thing) in seen or isinstance(thing, (*BOUNDED, type)):
            continue
        seen.add(id(thing))
        kept.append(thing)
        if isinstance(thing, Collection) and not isinstance(thing, str | bytes | tuple):
            yield from [way] * len(thing)
        ways.extend((way + step, each) for step, each in _steps(thing))


def _steps(thing: object) -> Iterator[tuple[str, object]]:
    if isinstance(thing, Mapping):
        yield from ((".keys", key) for key in thing)
        yield from ((f"[{key}]" if isinstance(key, str) else "[…]", value) for key, value in thing.items())
    elif isinstance(thing, list | tuple | set | frozenset | deque):
        yield from (("[…]", each) for each in thing)
    elif isinstance(thing, MethodType):
        yield "()", thing.__self__
    elif isinstance(thing, partial):
        yield from (("()", each) for each in (thing.func, *thing.args))
    elif isinstance(thing, FunctionType):
        yield from (("()", cell.cell_contents) for cell in thing.__closure__ or ())
    elif type(thing).__module__.startswith(("yekta", "tests.support.clocked")):
        names = {name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())}
        names |= getattr(thing, "__dict__", {}).keys()
        yield from ((f".{name}", getattr(thing, name)) for name in sorted(names) if hasattr(thing, name))
