"""One of several processes that share a port: run by ``workers.py`` through `worker_entry`, and with twistd's options.

Standard input stays open; its end means that the parent is gone, however it went. Standard output takes our log, one
JSON object a line, and a descriptor that is named on the command line takes signs of life.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import attrs
from twisted.application.service import IService
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.main import CONNECTION_DONE
from twisted.logger import globalLogBeginner, jsonFileLogObserver
from twisted.python.failure import Failure
from twisted.python.reflect import namedAny
from zope.interface import implementer

from yekta.clocks import steady
from yekta.services.config import ConfigError, Settings
from yekta.services.herald import Herald
from yekta.services.kinds import LAST_PORT
from yekta.services.logs import Logs
from yekta.services.options import ServiceOptions

# Seconds after which a worker that says nothing counts as stuck.
SILENCE = 30.0


def main(reactor_module: str, index: str, report: str, folder: str, kind: str, *arguments: str) -> None:
    """See the module. ``kind``: the class of the service's options, with its module. ``arguments``: the endpoints,
    ``--``, and the options of the command line."""
    import_module(reactor_module).install()
    from twisted.internet import reactor

    steady(reactor)
    # Who is to log must be known before anything else is made.
    globalLogBeginner.beginLoggingTo([jsonFileLogObserver(sys.stdout, recordSeparator="")])
    end = arguments.index("--")
    _serve(reactor, kind, arguments[:end], arguments[end + 1 :], int(index), int(report), folder)


def _serve(
    reactor: Any,
    kind: str,
    listens: tuple[str, ...],
    given: tuple[str, ...],
    index: int,
    report: int,
    folder: str,
) -> None:
    from yekta.services.service import Gateway

    options: ServiceOptions = namedAny(kind)()
    options.parseOptions(given)
    listen = tuple(each.removeprefix("--listen=") for each in listens)

    def read() -> Settings:
        return of_worker(options.read(), index, folder, listen)

    def tell(message: str) -> None:
        with suppress(OSError):
            os.write(report, message.encode() + b"\n")

    herald = Herald(reactor, tell, SILENCE)
    # Our parent writes the log.
    logs = Logs(reactor)
    gateway = Gateway(reactor, options, read(), read=read, herald=herald, logs=logs)
    gateway.privilegedStartService()
    gateway.startService()
    reactor.addSystemEventTrigger("before", "shutdown", gateway.stopService)
    reactor.addReader(_Parent(reactor, gateway))
    reactor.run()


def of_worker(settings: Settings, index: int, folder: str, listen: tuple[str, ...]) -> Settings:
    """The settings of one worker: the sockets are inherited, and what only one process can have has its number.

    Raises `ConfigError`.
    """
    own = {
        "handover_folder": folder,
        "metrics_listen": numbered("METRICS_LISTEN", settings.metrics_listen, index),
        "control_socket": settings.control_socket and f"{settings.control_socket}.{index}",
        "manhole": numbered("MANHOLE", settings.manhole, index),
    }
    return attrs.evolve(settings, values={**settings.values, **own}, listen=listen)


def of_workers(settings: Settings) -> list[Settings]:
    """The same of all workers, as far as the parent knows them. Raises `ConfigError`."""
    return [of_worker(settings, index, "", ()) for index in range(settings.workers)]


def numbered(setting: str, endpoint: str, index: int) -> str:
    """An operator's endpoint for one worker: the port after the one before, or the path with a number.

    Raises `ConfigError`.
    """
    if not endpoint:
        return ""
    tcp = re.fullmatch(r"(tcp:(?:port=)?)(\d+)(.*)", endpoint)
    if tcp is not None:
        port = int(tcp[2]) and int(tcp[2]) + index
        if port > LAST_PORT:
            raise ConfigError(f"{setting} must leave a port to each worker: there is none after {LAST_PORT}.")
        return f"{tcp[1]}{port}{tcp[3]}"
    unix = re.fullmatch(r"(unix:[^:]+)(.*)", endpoint)
    if unix is None:
        raise ConfigError(f"{setting} must be an endpoint of tcp: or unix: where WORKERS is above 1.")
    return f"{unix[1]}.{index}{unix[2]}"


@implementer(IReadDescriptor)
@attrs.define(eq=False)
class _Parent:
    """Standard input, which nobody writes to: what comes is its end, when our parent is gone."""

    _reactor: Any
    _gateway: IService

    def doRead(self) -> Any:
        # As Twisted wants it: the reactor forgets us, and says so.
        return CONNECTION_DONE

    def connectionLost(self, reason: Failure) -> None:
        # It may also be that we end first.
        if self._gateway.running:
            self._reactor.stop()

    def fileno(self) -> int:
        return sys.__stdin__.fileno() if sys.__stdin__ is not None else -1

    def logPrefix(self) -> str:
        return "parent"
