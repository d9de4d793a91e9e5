"""The ways into a process that are not its clients': the operator's, and those of the processes beside it.

What stops one that is started alone stops the parent of several: both look here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IProtocolFactory

from yekta.ports import reason_of
from yekta.services import control
from yekta.services.config import ConfigError, Settings


def endpoints(settings: Settings) -> dict[str, str]:
    """Where the operator's ways in listen, by the name of the setting that opens each."""
    given = {
        "CONTROL_SOCKET": settings.control_socket and control.endpoint(settings.control_socket),
        "MANHOLE": settings.manhole,
        "METRICS_LISTEN": settings.metrics_listen,
    }
    return {setting: endpoint for setting, endpoint in given.items() if endpoint}


def manhole(settings: Settings, namespace: dict[str, Any]) -> IProtocolFactory:
    """What answers on the manhole's port. Raises `ConfigError`."""
    try:
        from yekta.services import manhole
    except ImportError:
        raise ConfigError("MANHOLE needs the extra of that name: pip install 'yekta[manhole]'.") from None
    return manhole.factory(settings, namespace)


def handover_folder(settings: Settings, name: str) -> Path:
    """Where the processes of the service ``name`` find each other. Raises `ConfigError`.

    Others than this service would not know what comes after on the same connection.
    """
    folder = Path(settings.handover_folder) / name
    try:
        folder.mkdir(0o700, exist_ok=True)
    except OSError as error:
        raise unusable(settings, error) from None
    return folder


def unusable(settings: Settings, error: Exception) -> ConfigError:
    """``error`` as a sentence about HANDOVER_FOLDER."""
    return ConfigError(f"HANDOVER_FOLDER ({settings.handover_folder}) cannot be used: {reason_of(error)}.")
