"""One process of yekta: the application put together from its parts, and taken down in order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, gatherResults
from twisted.logger import Logger

from yekta.ai.breaker import Breaker
from yekta.ai.failover import Failover, Route
from yekta.ai.http import make_pool
from yekta.ai.offline import Offline
from yekta.ai.provider import IProvider
from yekta.app.account_store import AccountStore
from yekta.app.accounts import Accounts
from yekta.app.answers import STOPPING, Answers
from yekta.app.budget import Rate
from yekta.app.care import Care
from yekta.app.care import load as load_care
from yekta.app.conversations import Conversations
from yekta.app.counselor import Counselor
from yekta.app.database import Database, prepare
from yekta.app.database_session_store import DatabaseSessionStore
from yekta.app.dispatcher import Dispatcher
from yekta.app.drain import Drain, until
from yekta.app.events import Events
from yekta.app.health import Health
from yekta.app.hub import Hub
from yekta.app.lateness import Lateness
from yekta.app.passwords import Passwords
from yekta.app.sessions import Sessions
from yekta.app.visits import Visits
from yekta.edge import metrics
from yekta.edge.native import NativeDoor
from yekta.edge.socketio import SocketDoor
from yekta.engineio import sids
from yekta.services import limits
from yekta.services.certificates import Certificate
from yekta.services.config import ConfigError, Settings
from yekta.services.link import OFF, Link
from yekta.services.localai import LocalModel, LocalSettings, available
from yekta.services.providers import remote
from yekta.services.redis import Redis
from yekta.services.steps import Step, take
from yekta.socketio.adapter import InMemoryAdapter
from yekta.socketio.cluster import Cluster
from yekta.socketio.server import Server
from yekta.timestamps import Timestamps
from yekta.web.handover import Handover
from yekta.web.origins import Origins
from yekta.web.site import Site
from yekta.websocket.factory import WebSocketFactory

# Seconds that a process without clients stays for those that it sent away last. All others have come back by then, or
# take longer than an operator waits.
LINGER = 2.0


class Node(MultiService):
    """Everything both services share. Opens the database when it is made; raises `DatabaseError` where it cannot.

    ``ports``: those that stay open until no client polls any more. ``sites``: whose answers are waited for when the
    node stops. ``tag``: with which its Engine.IO ids begin. ``handover``: to other processes that share its port.
    ``link``: to those that share its database, or its Redis.
    """

    _log = Logger()
    _drain: Drain | None = None
    handover: Handover | None = None
    link: Link | None = None
    _cluster: Cluster | None = None
    _redis: Redis | None = None

    def __init__(self, reactor: Any, settings: Settings) -> None:
        super().__init__()
        self.sites: list[Site] = []
        self.certificates: list[Certificate] = []
        self.ports = MultiService()
        self.ports.setServiceParent(self)
        self.tag = sids.new_tag() if settings.handover_folder else ""
        self.settings = settings
        self.reactor = reactor
        self.origins = Origins(
            settings.cors_origin,
            headers=not settings.disable_cors,
            own_ports=frozenset((settings.port, settings.websocket_port)),
        )
        self.timestamps = Timestamps(reactor)
        self._pool = make_pool(reactor)
        self._open_database()
        self._build_ai()
        self._build_doors()
        self._build_metrics()

    def startService(self) -> None:
        super().startService()
        self.sessions.start()

    def stopService(self) -> Deferred[None]:
        """Send every client away little by little, wait until they have gone or are cut off, and close the database."""
        return ensureDeferred(self._stop())

    def reload(self, settings: Settings) -> list[str]:
        """Let ``settings`` count, as far as they can now; the names of the others. Raises `ConfigError`."""
        changed, waiting = self.settings.reloaded(settings)
        self.counselor.care = care(changed)
        self.origins.allowed = changed.cors_origin
        self.origins.headers = not changed.disable_cors
        self.dispatcher.limit(Rate(changed.event_rate, changed.event_burst))
        self.settings = changed
        return waiting

    def linked(self) -> Deferred[None]:
        """Fires when what is said to a room reaches the processes of this machine that were there before this one."""
        return ensureDeferred(until(lambda: self.link is None or self.link.mesh.is_settled, self.reactor, inf))

    def hurry(self) -> None:
        """Send away at once who is still there."""
        if self._drain is not None:
            self._drain.hurry()

    async def _stop(self) -> None:
        await take(self._emptying())
        await take(self._hanging_up())
        await take(
            (
                self.sessions.stop,
                lambda: self.conversations.stop(self.settings.close_timeout),
                self._pool.closeCachedConnections,
                super().stopService,
                self._database.close,
            )
        )

    def _emptying(self) -> Iterator[Step]:
        self.health.draining = self.native.draining = self.socketio.engine.draining = True
        if self.handover is not None:
            yield self.handover.leave
        times = self.settings.drain_seconds, self.settings.drain_answers_seconds
        self._drain = Drain(
            self.hub, self.reactor, *times, shuffle=random.shuffle, serving=lambda: self.answers.awaited
        )
        self._ports_closed = ensureDeferred(self._close_ports())
        yield self._drain.begin

    async def _close_ports(self) -> None:
        """Clients that poll may need new connections until they have gone, which they do first; or until cancelled."""
        connections = self.socketio.engine.connections.values
        with suppress(CancelledError):
            await until(lambda: all(each.transport.name != "polling" for each in connections()), self.reactor, inf)
        await self.ports.stopService()

    def _hanging_up(self) -> Iterator[Step]:
        """Close what is left: who is still coming in, who has not fetched the end, requests under way."""
        patience = self.settings.close_timeout
        engine = self.socketio.engine
        yield partial(engine.close, discard=False)
        for peer in self.hub.peers:
            yield partial(peer.break_off, STOPPING)
            yield peer.send_away
        if self.link is not None:
            yield self.link.leave
        yield self.answers.stop
        yield lambda: until(lambda: not engine.connections, self.reactor, patience)
        yield self._linger
        if self.ports.running:
            self._ports_closed.cancel()
        yield lambda: self._ports_closed
        yield self.socketio.close
        doors = (self.websockets, self.socketio.websockets)
        # All are cut off in time, but one whose goodbye has failed.
        closed = partial(gatherResults, (each.all_closed() for each in doors), consumeErrors=True)
        yield lambda: closed().addTimeout(2 * patience, self.reactor)
        for site in self.sites:
            yield site.hang_up
        yield lambda: until(lambda: not any(site.answering for site in self.sites), self.reactor, patience)

    async def _linger(self) -> None:
        """Clients that were sent away come back to another process, which asks us for what they had here."""
        cluster, adapter = self._cluster, self.socketio.sockets.adapter
        if cluster is not None:
            await until(lambda: not (cluster.others and adapter.awaits), self.reactor, LINGER)

    def _open_database(self) -> None:
        settings = self.settings
        driver = prepare(settings.database_url)
        self._database_identity = driver.identity
        self._database = Database(driver, self.reactor, connections=settings.database_connections)
        store = DatabaseSessionStore(self._database)
        # Not all processes of one database at once.
        first_purge = random.uniform(60, 120)
        self.sessions = Sessions(store, self.reactor, lifetime=settings.session_lifetime, first_purge=first_purge)
        self.accounts = Accounts(AccountStore(self._database), self.sessions, Passwords(self.reactor), self.reactor)

    def _build_ai(self) -> None:
        settings = self.settings
        provider = self._provider()
        self.answers = Answers(
            self.reactor,
            orphan=settings.ai_orphan_seconds,
            keep=settings.ai_keep_seconds,
            most=settings.ai_max_kept,
            characters=settings.ai_max_kept_characters,
        )
        self._build_link()
        self.conversations = Conversations(self._database, self.reactor)
        self.sessions.on_purged(self.conversations.purge)
        self.counselor = Counselor(
            provider,
            self.reactor,
            self.answers,
            conversations=self.conversations,
            care=care(settings),
            elsewhere=None if self.link is None else self.link.others,
            max_answers=settings.ai_max_answers,
            max_per_session=settings.ai_max_per_session,
        )
        self.health = Health(self._database.healthy, provider, self.reactor)
        if self._redis is not None:
            self.health.redis = self._redis.is_up

    def _build_link(self) -> None:
        """Answers and rooms of this machine's processes, by LINK_FOLDER, or of all machines', by REDIS_URL."""
        settings, lines = self.settings, None
        if settings.redis_url:
            self._redis = Redis(self.reactor, settings.redis_url)
            self._redis.setServiceParent(self)
            lines = self._redis.lines
        if settings.link_folder != OFF or lines is not None:
            self.link = Link(self.reactor, settings, self.answers, self._database_identity, lines)
            self.link.setServiceParent(self)
            self._cluster = Cluster(lines or self.link.mesh)

    def _provider(self) -> IProvider:
        model = Path(self.settings.ai_model_file) if self.settings.ai_model_file else None
        if self.settings.ai_base_url:
            providers = remote(self.reactor, self._pool, self.settings)
        elif available(model):
            local = LocalModel(self.reactor, LocalSettings(model=model))
            local.setServiceParent(self)
            providers = [local.provider]
        else:
            return Offline(self.reactor)
        routes = [Route(provider, Breaker(self.reactor)) for provider in providers]
        return Failover(routes, self.reactor, random.random)

    def _build_doors(self) -> None:
        settings = self.settings
        new_sid = partial(sids.new_sid, self.tag, settings.process_name)
        self.socketio = Server(
            self.reactor,
            limits.of_socketio(settings, self.origins, new_sid),
            InMemoryAdapter if self._cluster is None else self._cluster.adapter,
        )
        self.socketio_resource = self.socketio.resource()
        adapter = self.socketio.sockets.adapter
        self.hub = Hub(self.sessions, adapter, Visits(self.reactor))
        events = Events(self.hub, self.counselor, self.timestamps).table()
        self.dispatcher = Dispatcher(events, self.reactor, Rate(settings.event_rate, settings.event_burst))
        SocketDoor(self.socketio, self.sessions, self.hub, self.dispatcher)
        native = limits.of_websocket(settings, heartbeat=True)
        self.websockets = WebSocketFactory(self.reactor, native, self.socketio.rests)
        self.websockets.short_opening = self.socketio.websockets.short_opening = settings.http_short_path
        self.native = NativeDoor(self.websockets, self.sessions, self.hub, self.dispatcher, adapter, self.origins)

    def _build_metrics(self) -> None:
        lateness = Lateness(self.reactor)
        lateness.setServiceParent(self)
        self.metrics: tuple[metrics.Source, ...] = (
            partial(metrics.of_clients, self.hub, self.sessions),
            partial(metrics.of_events, self.dispatcher),
            partial(metrics.of_engineio, self.socketio.engine),
            partial(metrics.of_sites, self.sites),
            partial(metrics.of_websockets, (self.websockets, self.socketio.websockets)),
            partial(metrics.of_answers, self.answers),
            partial(metrics.of_conversations, self.conversations),
            partial(metrics.of_cluster, self._cluster),
            partial(metrics.of_certificates, self.certificates),
            partial(metrics.of_process, self._database, lateness),
        )


def care(settings: Settings) -> Care | None:
    """What CARE and CARE_FOLDER say. Raises `ConfigError`."""
    folder = settings.care_folder
    if not settings.care:
        return None
    try:
        return load_care(Path(folder)) if folder else load_care()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"CARE_FOLDER cannot be read: {error}.") from None
