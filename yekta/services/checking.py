"""What can be said against settings without connecting, listening or writing anything."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.protocol import Factory

from yekta.app.database_drivers import DatabaseError, driver_for
from yekta.services import ways
from yekta.services.config import ConfigError, Settings
from yekta.services.listening import service
from yekta.services.node import care
from yekta.services.providers import servers
from yekta.services.redis import Redis
from yekta.services.worker import of_workers


def check(settings: Settings) -> None:
    """Raises `ConfigError` where a service would not start with them, whatever there is beside it."""
    try:
        driver_for(settings.database_url)
    except DatabaseError as error:
        raise ConfigError(str(error)) from None
    care(settings)
    servers(settings)
    if settings.redis_url:
        Redis(reactor, settings.redis_url)
    if settings.manhole:
        ways.manhole(settings, {})
    if settings.workers > 1:
        of_workers(settings)
        for endpoint in settings.listen:
            _require_shared(endpoint)
    named = [*(("--listen", endpoint) for endpoint in settings.listen), *ways.endpoints(settings).items()]
    for setting, endpoint in named:
        # What systemd has opened is there where it has started us.
        if not endpoint.startswith("systemd:"):
            service(setting, endpoint, Factory(), reactor)


def _require_shared(endpoint: str) -> None:
    # Not UNIX: the first of several that stops would take the path away from the others.
    if endpoint.partition(":")[0] not in ("tcp", "systemd") or "domain=UNIX" in endpoint:
        raise ConfigError(f"WORKERS above 1 can share endpoints of tcp: and systemd: only, not {endpoint!r}.")
