"""``yekta check URL``: says of each promise whether the services keep it; the status is 1 where any is broken."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred, TimeoutError, ensureDeferred

from yekta.command.checks import DOORS, Port, Unkept, rest, session_ends, websocket_information
from yekta.command.failure import CommandError, plain
from yekta.command.network import Network, base, origin
from yekta.command.session import acquire
from yekta.engineio.errors import ProtocolError as EngineError
from yekta.socketio.errors import ProtocolError

_API_PORT, _WS_PORT = 3000, 3500
_FAILURES = (Unkept, CommandError, TimeoutError, EngineError, ProtocolError)


def add_to(commands: Any, parents: list[ArgumentParser]) -> None:
    """Declare the arguments."""
    parser = commands.add_parser("check", parents=parents, help="try every door of running services")
    parser.add_argument("url", metavar="URL", help="of yektayar-api")
    parser.add_argument("--ws", metavar="URL", help="of yektayar-ws; none: port 3500 for 3000, ws.… for api.…")
    parser.set_defaults(run=run)


async def run(reactor: Any, options: Namespace, network: Network) -> int:
    """Run the command."""
    api = base(options.url)
    websocket = base(options.ws) if options.ws else derive(api)
    token = await acquire(network, api)
    report = Report(reactor, network)
    await report.all(Port(network, api, token), rest)
    for url, more in ((api, ()), (websocket, (websocket_information,))):
        if url is None:
            print("yektayar-ws is not checked: say where it is by --ws.")
        else:
            await report.all(Port(network, url, token), [*more, *DOORS])
    await report.all(Port(network, api, token), [session_ends])
    print(f"{report.kept} promises kept, {report.broken} broken.")
    return 1 if report.broken else 0


def derive(api: str) -> str | None:
    """The usual place of yektayar-ws beside an API."""
    parts = urlsplit(api)
    host = parts.hostname or ""
    if parts.port == _API_PORT:
        return api.replace(f":{_API_PORT}", f":{_WS_PORT}", 1)
    if host.startswith("api."):
        return api.replace("://api.", "://ws.", 1)
    return None


class Report:
    """A line for each check. A check that takes too long is broken."""

    def __init__(self, reactor: Any, network: Network) -> None:
        self.kept = self.broken = 0
        self._reactor = reactor
        self._timeout = network.timeout

    async def all(self, port: Port, checks: Any) -> None:
        """Run them one after the other."""
        for check in checks:
            running: Deferred[None] = ensureDeferred(check.run(port)).addTimeout(self._timeout, self._reactor)
            try:
                await running
            except _FAILURES as error:
                self.broken += 1
                print(f"FAIL  {origin(port.url)}  {check.name}: {plain(_words(error))}", flush=True)
            else:
                self.kept += 1
                print(f"ok    {origin(port.url)}  {check.name}", flush=True)


def _words(error: Exception) -> str:
    return "It took too long." if isinstance(error, TimeoutError) else str(error)
