"""One process of yekta: the application put together from its parts, and taken down in order."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger

from yekta.ai.breaker import Breaker
from yekta.ai.chat import ChatProvider, ChatSettings
from yekta.ai.failover import Failover, Route
from yekta.ai.http import HostEndpoints, make_agent, make_pool
from yekta.ai.offline import Offline
from yekta.ai.patience import Patience
from yekta.ai.provider import IProvider
from yekta.app.account_store import AccountStore
from yekta.app.accounts import Accounts
from yekta.app.answers import Answers
from yekta.app.budget import Rate
from yekta.app.care import Care
from yekta.app.care import load as load_care
from yekta.app.conversations import Conversations
from yekta.app.counselor import Counselor
from yekta.app.database import Database, prepare
from yekta.app.database_session_store import DatabaseSessionStore
from yekta.app.dispatcher import Dispatcher
from yekta.app.events import Events
from yekta.app.health import Health
from yekta.app.hub import Hub
from yekta.app.passwords import Passwords
from yekta.app.sessions import Sessions
from yekta.app.timestamps import Timestamps
from yekta.edge.metrics import Numbers
from yekta.edge.native import NativeDoor
from yekta.edge.socketio import ALIASES, SocketDoor
from yekta.engineio.settings import Settings as EngineSettings
from yekta.engineio.settings import new_sid
from yekta.services.config import ConfigError, Settings
from yekta.services.localai import LocalModel, LocalSettings, available
from yekta.socketio.recovery import Settings as Recovery
from yekta.socketio.server import Server
from yekta.socketio.settings import Settings as SocketSettings
from yekta.web import channel
from yekta.web.origins import Origins
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import GOING_AWAY
from yekta.websocket.limits import Limits as WebSocketLimits

GOODBYE = "server shutting down"


class Node(MultiService):
    """Everything both services share. Opens the database when it is made; raises `DatabaseError` where it cannot."""

    _log = Logger()

    def __init__(self, reactor: Any, settings: Settings) -> None:
        super().__init__()
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

    def startService(self) -> None:
        super().startService()
        self.sessions.start()

    def stopService(self) -> Deferred[None]:
        """Say goodbye to every client, wait until they have gone or are cut off, and close the database."""
        return ensureDeferred(self._stop())

    def site_limits(self) -> channel.Limits:
        """The bounds of this process's HTTP port."""
        return channel.Limits(
            max_body=self.settings.max_payload,
            request_timeout=self.settings.request_timeout,
            max_connections=self.settings.max_connections,
            max_per_address=self.settings.max_connections_per_address,
            trusted=self.settings.trusted_proxies,
        )

    async def _stop(self) -> None:
        self.socketio.close()
        self.websockets.close_all(GOING_AWAY, GOODBYE)
        self.answers.stop()
        for websockets in (self.websockets, self.socketio.websockets):
            await websockets.all_closed()
        await self.sessions.stop()
        await self._pool.closeCachedConnections()
        await super().stopService()
        await self._database.close()

    def _open_database(self) -> None:
        settings = self.settings
        driver = prepare(settings.database_url)
        self._database = Database(driver, self.reactor, connections=settings.database_connections)
        store = DatabaseSessionStore(self._database)
        self.sessions = Sessions(store, self.reactor, lifetime=settings.session_lifetime)
        self.accounts = Accounts(
            AccountStore(self._database), self.sessions, Passwords(self.reactor), self.reactor
        )

    def _build_ai(self) -> None:
        settings = self.settings
        provider = self._provider()
        self.answers = Answers(
            self.reactor,
            orphan=settings.ai_orphan_seconds,
            keep=settings.ai_keep_seconds,
            most=settings.ai_max_kept,
        )
        self.conversations = Conversations(self._database)
        self.counselor = Counselor(
            provider,
            self.reactor,
            self.answers,
            conversations=self.conversations,
            care=self._care(),
            max_answers=settings.ai_max_answers,
            max_per_session=settings.ai_max_per_session,
        )
        self.health = Health(self._database.healthy, provider, self.reactor)

    def _care(self) -> Care | None:
        folder = self.settings.care_folder
        if not self.settings.care:
            return None
        try:
            return load_care(Path(folder)) if folder else load_care()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"CARE_FOLDER cannot be read: {error}.") from None

    def _provider(self) -> IProvider:
        model = Path(self.settings.ai_model_file) if self.settings.ai_model_file else None
        if self.settings.ai_base_url:
            provider = self._remote_provider()
        elif available(model):
            local = LocalModel(self.reactor, LocalSettings(model=model))
            local.setServiceParent(self)
            provider = local.provider
        else:
            return Offline(self.reactor)
        return Failover([Route(provider, Breaker(self.reactor))], self.reactor, random.random)

    def _remote_provider(self) -> ChatProvider:
        settings = self.settings
        endpoints = HostEndpoints(self.reactor, settings.ai_connect_timeout)
        patience = Patience(
            first_byte=settings.ai_first_byte_timeout,
            idle=settings.ai_idle_timeout,
            total=settings.ai_total_timeout,
        )
        asking = ChatSettings(
            settings.ai_base_url,
            settings.ai_model,
            settings.ai_api_key or None,
            max_characters=settings.ai_max_characters,
            max_line=settings.ai_max_line,
            patience=patience,
        )
        agent = make_agent(self.reactor, self._pool, endpoints)
        return ChatProvider(settings.ai_model, asking, agent, self.reactor)

    def _build_doors(self) -> None:
        settings = self.settings
        self.socketio = Server(
            self.reactor,
            SocketSettings(
                engine=EngineSettings(
                    ping_interval=settings.ping_interval,
                    ping_timeout=settings.ping_timeout,
                    upgrade_timeout=settings.upgrade_timeout,
                    max_payload=settings.max_payload,
                    max_queued=settings.max_queued,
                    max_connections=settings.max_connections,
                    origins=self.origins,
                    generate_id=self._new_sid,
                ),
                websocket=self._websocket_limits(heartbeat=False),
                connect_timeout=settings.connect_timeout,
                packet_timeout=settings.packet_timeout,
                max_attachments=settings.max_attachments,
                max_namespaces=settings.max_namespaces,
                max_namespace_length=settings.max_namespace_length,
                aliases=ALIASES,
                recovery=Recovery(settings.recovery_seconds) if settings.recovery_seconds else None,
            ),
        )
        self.socketio_resource = self.socketio.resource()
        adapter = self.socketio.sockets.adapter
        self.hub = Hub(self.sessions, adapter)
        events = Events(self.hub, self.counselor, self.timestamps).table()
        dispatcher = Dispatcher(events, self.reactor, Rate(settings.event_rate, settings.event_burst))
        self.numbers = Numbers(self.hub, dispatcher, self.counselor, self.socketio.engine)
        SocketDoor(self.socketio, self.sessions, self.hub, dispatcher)
        self.websockets = WebSocketFactory(self.reactor, self._websocket_limits(heartbeat=True))
        self.native = NativeDoor(
            self.websockets, self.sessions, self.hub, dispatcher, adapter, self.origins
        )

    def _new_sid(self) -> str:
        name = self.settings.process_name
        return f"{new_sid()}.{name}" if name else new_sid()

    def _websocket_limits(self, *, heartbeat: bool) -> WebSocketLimits:
        settings = self.settings
        return WebSocketLimits(
            max_message=settings.max_payload,
            max_fragments=settings.max_fragments,
            max_queued=settings.max_queued,
            close_timeout=settings.close_timeout,
            ping_interval=settings.ping_interval if heartbeat else 0.0,
            ping_timeout=settings.ping_timeout,
            deflate_threshold=settings.deflate_threshold or None,
        )
