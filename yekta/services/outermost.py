"""What is outermost in a process that twistd has started: one service, or the parent of several workers.

It opens its ports early, tells how it is doing, reads its settings again when it is told to, and stops.
"""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger

from yekta.services.config import ConfigError, Settings
from yekta.services.herald import Herald
from yekta.services.listening import endpoints
from yekta.services.logs import Logs
from yekta.services.options import ServiceOptions
from yekta.services.refusal import refuse
from yekta.services.signals import Signals


class Outermost(MultiService):
    """Listens on ``settings.listen``, or on the service's port. Raises SystemExit, with a sentence, where it cannot."""

    _log: ClassVar[Logger]

    def __init__(
        self, reactor: Any, options: ServiceOptions, settings: Settings, *, herald: Herald, logs: Logs
    ) -> None:
        super().__init__()
        self.setName(options.service)
        self._reactor = reactor
        self._options = options
        self._settings = settings
        self._herald = herald
        self._logs = logs
        self._is_open = False

    def setServiceParent(self, parent: Any) -> None:
        """See `Logs.write_for`."""
        self._logs.write_for(parent)
        super().setServiceParent(parent)

    def privilegedStartService(self) -> None:
        """Open the database and the ports; as root where twistd was started as root."""
        self._is_open = True
        self._open(str(self.name))
        self._reactor.callWhenRunning(self._begun)

    def startService(self) -> None:
        """``python -m twisted`` begins here: it knows no privileged start."""
        if not self._is_open:
            self.privilegedStartService()
        try:
            super().startService()
        except ConfigError as error:
            refuse(str(self.name), str(error))

    def stopService(self) -> Deferred[None]:
        """Stop listening, and fire when the last client has gone."""
        self._herald.stopping()
        return ensureDeferred(self._stop())

    def _open(self, name: str) -> None:
        raise NotImplementedError

    def _clients_endpoints(self) -> tuple[str, tuple[str, ...]]:
        """The endpoints of the service itself, after what they come from."""
        settings, port = self._settings, self._options.port_setting
        if settings.listen:
            return "--listen", settings.listen
        return f"{port.upper()}, HOST", endpoints(settings.host, getattr(settings, port))

    def _begun(self) -> None:
        """Called once the reactor runs."""
        Signals(self._reactor, stop=self._reactor.stop, hurry=self._hurry, reload=self._reload).install()

    def _hurry(self) -> None:
        """Called when we are told to stop once more."""
        raise NotImplementedError

    def _reload(self) -> None:
        # A start-up that is still under way ends later.
        is_ready = self._herald.is_ready
        if is_ready:
            self._herald.reloading()
        try:
            self._logs.reopen()
            self._read_again()
        except (ConfigError, OSError) as error:
            self._log.error("{error} What was set before stays.", error=str(error))
        finally:
            if is_ready:
                self._herald.ready()

    def _read_again(self) -> None:
        """Let the settings count as they are now. Raises `ConfigError`."""
        raise NotImplementedError

    async def _stop(self) -> None:
        try:
            await self._close()
        finally:
            self._herald.silent()

    async def _close(self) -> None:
        await super().stopService()
