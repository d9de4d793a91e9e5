"""What can be said against settings without connecting, listening or writing anything."""

from __future__ import annotations

from yekta.app.database_drivers import DatabaseError, driver_for
from yekta.services import ways
from yekta.services.config import ConfigError, Settings
from yekta.services.node import care
from yekta.services.providers import servers
from yekta.services.worker import of_workers


def check(settings: Settings) -> None:
    """Raises `ConfigError` where a service would not start with them, whatever there is beside it."""
    try:
        driver_for(settings.database_url)
    except DatabaseError as error:
        raise ConfigError(str(error)) from None
    care(settings)
    servers(settings)
    if settings.manhole:
        ways.manhole(settings, {})
    if settings.workers > 1:
        of_workers(settings)
