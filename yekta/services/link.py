"""The link to the other processes, put together: where they meet, on this machine and beyond, and both directions."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IProtocol

from yekta.app.answers import Answers
from yekta.app.drain import until
from yekta.link.home import Home
from yekta.link.lines import Lines
from yekta.link.mesh import Mesh
from yekta.link.others import Others
from yekta.link.place import Place, Unusable, make_private
from yekta.services.config import ConfigError, Settings

# LINK_FOLDER where processes are to know nothing of each other.
OFF = "off"


class Link(Service):
    """``others``: what they have; ``mesh``: to all of this machine, for what rooms are told.

    ``database`` is whose answers and rooms are shared here: `Driver.identity`; ``lines``: to those on other machines.
    """

    def __init__(
        self, reactor: Any, settings: Settings, answers: Answers, database: str, lines: Lines | None
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._database = database
        self._lines = lines
        self._tag = secrets.token_hex(8) if lines is None else lines.name
        self._place: Place | None = None
        self.mesh = Mesh(reactor, self._tag, self._names, self._connect)
        self._home = Home(answers, reactor, self.mesh)
        self.others = Others(
            reactor,
            self._tag,
            self._names,
            self._connect,
            max_characters=settings.ai_max_characters,
            # As long as no answer takes, wherever it is.
            silence=settings.ai_total_timeout,
        )

    def startService(self) -> None:
        """Not before twistd has become who it is to be: the folder is that user's. Raises `ConfigError`."""
        super().startService()
        if self._lines is not None:
            self._lines.open(self._home)
        if self._settings.link_folder != OFF:
            self._open_place()

    def _open_place(self) -> None:
        place = Place(self._reactor, _folder(self._settings), self._database, self._tag)
        try:
            place.open(self._home)
        except Unusable as error:
            raise ConfigError(f"LINK_FOLDER {error}") from None
        self._place = place
        self.mesh.look()

    def _names(self) -> list[str]:
        here = [] if self._place is None else self._place.names()
        there = () if self._lines is None else self._lines.names
        return sorted({*here, *there})

    def _connect(self, name: str, protocol: IProtocol) -> Deferred[Any]:
        # Those of this machine are nearer.
        if self._place is not None and name in self._place.names():
            return self._place.connect(name, protocol)
        return fail(ConnectError()) if self._lines is None else self._lines.connect(name, protocol)

    async def leave(self) -> None:
        """Ask others nothing any more, nor let them in: our answers are about to end."""
        self.others.let_go()
        if self._lines is not None:
            self._lines.close()
        place, self._place = self._place, None
        if place is not None:
            await place.close()

    def stopService(self) -> Deferred[None]:
        """Fires when those who are in have been told how our answers ended."""
        super().stopService()
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        await self.leave()
        self.mesh.leave()
        self._home.close()
        await until(lambda: not self._home.visitors, self._reactor, self._settings.close_timeout)
        self._home.drop()


def check(settings: Settings) -> None:
    """Find out whether the folder can be used. Raises `ConfigError`."""
    try:
        if settings.link_folder != OFF:
            make_private(_folder(settings))
    except Unusable as error:
        raise ConfigError(f"LINK_FOLDER {error}") from None


def _folder(settings: Settings) -> Path:
    return Path(settings.link_folder or f"{tempfile.gettempdir()}/yekta-{os.geteuid()}").absolute()
