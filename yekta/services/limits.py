"""What the settings are to the libraries: their bounds and their waits."""

from __future__ import annotations

from collections.abc import Callable

from yekta.edge.socketio import ALIASES
from yekta.engineio.settings import Settings as EngineSettings
from yekta.services.config import Settings
from yekta.socketio.recovery import Settings as Recovery
from yekta.socketio.settings import Settings as SocketSettings
from yekta.web.origins import Origins
from yekta.web.site import Limits as SiteLimits
from yekta.websocket.limits import Limits

# What recovery may take for events to many, in bytes, and as much again for those to single clients: of a thousand who
# are spoken to at once, each has some hundred events.
RECOVERY = 32 << 20


def of_site(settings: Settings) -> SiteLimits:
    """Of an HTTP port."""
    return SiteLimits(
        max_body=settings.max_payload,
        request_timeout=settings.request_timeout,
        max_connections=settings.max_connections,
        max_per_address=settings.max_connections_per_address,
        trusted=settings.trusted_proxies,
    )


def of_websocket(settings: Settings, *, heartbeat: bool) -> Limits:
    """``heartbeat``: as WebSocket's own pings."""
    return Limits(
        max_message=settings.max_payload,
        max_fragments=settings.max_fragments,
        max_queued=settings.max_queued,
        close_timeout=settings.close_timeout,
        ping_interval=settings.ping_interval if heartbeat else 0.0,
        ping_timeout=settings.ping_timeout,
        deflate_threshold=settings.deflate_threshold or None,
    )


def of_socketio(settings: Settings, origins: Origins, new_sid: Callable[[], str]) -> SocketSettings:
    """Engine.IO below it has a heartbeat of its own."""
    return SocketSettings(
        engine=EngineSettings(
            ping_interval=settings.ping_interval,
            ping_timeout=settings.ping_timeout,
            upgrade_timeout=settings.upgrade_timeout,
            max_payload=settings.max_payload,
            max_queued=settings.max_queued,
            max_connections=settings.max_connections,
            max_polling_per_address=settings.max_connections_per_address,
            exempt=settings.trusted_proxies,
            origins=origins,
            generate_id=new_sid,
        ),
        websocket=of_websocket(settings, heartbeat=False),
        connect_timeout=settings.connect_timeout,
        packet_timeout=settings.packet_timeout,
        max_attachments=settings.max_attachments,
        max_namespaces=settings.max_namespaces,
        max_namespace_length=settings.max_namespace_length,
        aliases=ALIASES,
        recovery=Recovery(settings.recovery_seconds, max_bytes=RECOVERY) if settings.recovery_seconds else None,
    )
