"""Both services' own composition in this process, on two real loopback ports.

Only what is slow elsewhere is replaced: sessions and accounts are kept in memory, passwords are hashed cheaply, and
the AI is a :class:`ScriptedProvider` unless ``AI_BASE_URL`` is set.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import argon2
import attrs
import pytest_twisted
from twisted.internet import reactor as _reactor

from tests.support.provider import ScriptedProvider
from tests.support.session_stores import FakeOutage
from yekta.ai.provider import IProvider
from yekta.app.account_store import AccountStore, User
from yekta.app.accounts import Accounts
from yekta.app.database import DatabaseError
from yekta.app.passwords import Passwords
from yekta.app.session_store import NewSession, Session
from yekta.app.sessions import Sessions
from yekta.edge.site import refused
from yekta.services import config, limits, ports
from yekta.services.node import Node
from yekta.web.site import Site

reactor: Any = _reactor


@attrs.define(eq=False)
class MemoryAccounts(AccountStore):
    """Accounts of one test. ``is_down``: every call fails."""

    _database: Any = None
    users: list[User] = attrs.field(factory=list)
    is_down: bool = False

    async def add(self, user: User) -> bool:
        self._ask()
        if any({user.email, user.phone} & {other.email, other.phone} - {None} for other in self.users):
            return False
        self.users.append(user)
        return True

    async def find(self, identifier: str) -> User | None:
        self._ask()
        return next((user for user in self.users if identifier in (user.email, user.phone)), None)

    def _ask(self) -> None:
        if self.is_down:
            raise DatabaseError("It is down.")


@attrs.define(eq=False)
class NoDatabase:
    """What a node asks of its database beside sessions and accounts."""

    is_up: bool = True
    busy: int = 0

    async def healthy(self) -> bool:
        return self.is_up

    async def close(self) -> None:
        """Nothing is open."""


def hash_of(token: str) -> str:
    """What a store knows of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Gateway(Node):
    """``settings`` by their names in the environment."""

    def __init__(self, **settings: str) -> None:
        self.store = FakeOutage()
        self.users = MemoryAccounts()
        self.database = NoDatabase()
        self.provider = ScriptedProvider()
        super().__init__(reactor, config.load({"HOST": "127.0.0.1", "LINK_FOLDER": "off", **settings}, {}))

    @property
    def api_address(self) -> str:
        """``127.0.0.1:PORT`` of yektayar-api."""
        return self._address(0)

    @property
    def ws_address(self) -> str:
        """``127.0.0.1:PORT`` of yektayar-ws."""
        return self._address(1)

    async def start(self) -> None:
        self.startService()
        self.sites += [self._site(ports.api(self)), self._site(ports.ws(self))]
        self._ports = [reactor.listenTCP(0, site, interface="127.0.0.1") for site in self.sites]

    async def stop(self) -> None:
        for port in self._ports:
            await port.stopListening()
        await self.stopService()

    async def acquire(self, user_id: str | None = None) -> tuple[str, Session]:
        """A token and its session; logged in where there is a user."""
        return await self.sessions.acquire(user_id=user_id, is_logged_in=user_id is not None)

    async def acquire_until(self, expires_at: float) -> str:
        """The token of a session that ends at a time of the test's choice, known to the store alone."""
        token = secrets.token_urlsafe(32)
        session = Session(secrets.token_hex(8), None, False, expires_at)
        await self.store.add(NewSession(session, hash_of(token), reactor.seconds(), "{}"))
        return token

    def _address(self, index: int) -> str:
        return f"127.0.0.1:{self._ports[index].getHost().port}"

    def _site(self, root: Any) -> Site:
        doors = root if self.settings.http_short_path else None
        began = self.socketio_resource.body_began
        refuse, rests = partial(refused, self.origins), self.socketio.rests
        return Site(reactor, root, limits.of_site(self.settings), refuse, began, doors, rests=rests)

    def _open_database(self) -> None:
        self._database = self.database
        self.sessions = Sessions(self.store, reactor, lifetime=self.settings.session_lifetime, poll_interval=0.02)
        cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.passwords = Passwords(reactor, hasher=cheap)
        self.accounts = Accounts(self.users, self.sessions, self.passwords, reactor)

    def _provider(self) -> IProvider:
        return super()._provider() if self.settings.ai_base_url else self.provider


@pytest_twisted.async_yield_fixture
async def gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway()
    await gateway.start()
    yield gateway
    await gateway.stop()
