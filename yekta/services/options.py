"""The options of both services on twistd's command line: what they say is read with the environment and ``.env``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from twisted.application.service import IService
from twisted.logger import Logger
from twisted.python import usage

from yekta.clocks import steady
from yekta.services import reactor
from yekta.services.config import SETTINGS, ConfigError, Settings, load, remarks
from yekta.services.refusal import refuse

if TYPE_CHECKING:
    # These import a reactor, which the options choose first.
    from yekta.edge.site import ApiPort, WebSocketPort
    from yekta.services.node import Node


class ServiceOptions(usage.Options):
    """Options of a service; each setting is one. ``given``: what they were parsed from. ``remarks``: sentences on what
    was read, of what keeps nobody from starting.

    ``service``: its name to twistd. ``port_setting``: the attribute of its port among the settings.
    """

    service = "yekta"
    port_setting = "port"
    synopsis = "[options]"
    longdesc = "Every setting may also be given in the environment or in .env, by its name in capitals."
    optFlags: ClassVar = [
        ("no-console", None, "do not serve the page to try the service"),
        ("check-config", None, "say whether the settings can be used, and start nothing"),
    ]
    optParameters: ClassVar = [("env-file", None, None, "file with settings [default .env]")] + [
        (setting.option, None, None, f"{setting.help} [{setting.name}, default {setting.default or 'none'}]")
        for setting in SETTINGS
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []
        self.given: tuple[str, ...] = ()
        self.remarks: list[str] = []

    def root(self, node: Node) -> ApiPort | WebSocketPort:
        """What answers on the service's port."""
        raise NotImplementedError

    def opt_listen(self, endpoint: str) -> None:
        """Listen on an endpoint string instead of HOST and port, e.g. tcp:3000:interface=127.0.0.1; may be repeated."""
        self["listen"].append(endpoint)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        self.given = tuple(options or ())
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            refuse(self.service, f"{error}.")

    def parseArgs(self, *args: str) -> None:
        if args:
            refuse(self.service, f"{args[0]!r} is not a setting.")

    def postOptions(self) -> None:
        reactor.install()
        try:
            self["settings"] = self.read()
            if self["check-config"]:
                self._check(self["settings"])
        except ConfigError as error:
            refuse(self.service, str(error))

    def read(self) -> Settings:
        """All settings, as the options, the environment and the file say now. Raises :class:`ConfigError`."""
        return load(
            {**self._file(), **os.environ},
            {setting.attribute: self[setting.option] for setting in SETTINGS},
            listen=tuple(self["listen"]),
            console=not self["no-console"],
        )

    def tell_remarks(self, log: Logger) -> None:
        """Log the remarks on what was read last."""
        for remark in self.remarks:
            log.warn("{remark}", remark=remark)

    def _check(self, settings: Settings) -> NoReturn:
        # It imports the reactor that was installed.
        from yekta.services.checking import check

        check(settings)
        for remark in self.remarks:
            print(f"{self.service}: {remark}", file=sys.stderr)
        print(f"{self.service}: The settings can be used.")
        raise SystemExit(0)

    def _file(self) -> dict[str, str]:
        given = self["env-file"]
        try:
            text = Path(given or ".env").read_text("utf-8")
        except FileNotFoundError:
            # Only one that was asked for must be there.
            if not given:
                return {}
            raise ConfigError(f"--env-file must be the path of a file, not {given!r}.") from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"The settings in {given or '.env'} cannot be read: {error}.") from None
        _require_whole(text, given or ".env")
        values = dotenv_values(stream=StringIO(text))
        self.remarks = list(remarks(values, given or ".env"))
        return {name: value for name, value in values.items() if value is not None}


def _require_whole(text: str, source: str) -> None:
    """Raises :class:`ConfigError` where there is a line that dotenv would leave out, for a default to count instead."""
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            found = binding.original
            above = found.string[: -len(found.string.lstrip())].count("\n")
            # Not its text, which may be a secret.
            raise ConfigError(f"Line {found.line + above} of {source} cannot be read.")


def makeService(options: ServiceOptions) -> IService:
    """What twistd is to start."""
    # Not before the options have chosen a reactor: most of what is behind these imports one.
    from twisted.internet import reactor

    from yekta.services.making import make

    steady(reactor)
    return make(reactor, options)
