"""Who is measured: the product, and the servers of the comparison (``peers/``), each pinned to one core."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.children import ROOT, free_port, started
from benchmarks.generator import SERVER_CORE, pinned

SOCKETIO, NATIVE = "Socket.IO", "native"

_PEERS = Path(__file__).with_name("peers")
python_of_peers = str(_PEERS / ".venv/bin/python")
_BUN = str(_PEERS / "node_modules/.bin/bun")

# Where nobody answers: the embedded model would only take time to start.
_NO_AI = {"AI_BASE_URL": "http://127.0.0.1:9/v1"}


@attrs.frozen
class Server:
    """``command`` has ``{port}`` where the port belongs. ``families``: what it speaks."""

    name: str
    families: frozenset[str]
    command: tuple[str, ...]
    folder: Path = _PEERS
    environment: Mapping[str, str] = attrs.field(factory=lambda: {"NODE_ENV": "production"})


@attrs.frozen
class Running:
    """A server that listens."""

    server: Server
    port: int
    process: int


PRODUCT = "yekta"


def _peer(name: str, family: str, *command: str) -> Server:
    return Server(name, frozenset((family,)), command)


PEERS = (
    _peer("Bun", SOCKETIO, _BUN, "socketio_bun.mjs", "{port}"),
    _peer("Node", SOCKETIO, "node", "socketio_node.mjs", "{port}"),
    _peer("uvicorn", SOCKETIO, python_of_peers, "socketio_uvicorn.py", "{port}"),
    _peer("aiohttp", SOCKETIO, python_of_peers, "socketio_aiohttp.py", "{port}"),
    _peer("Bun", NATIVE, _BUN, "native_bun.mjs", "{port}"),
    _peer("Node", NATIVE, "node", "native_node.mjs", "{port}"),
    _peer("websockets", NATIVE, python_of_peers, "native_websockets.py", "{port}"),
    _peer("picows", NATIVE, python_of_peers, "native_picows.py", "{port}"),
)


def product(folder: Path, reactor: str) -> Server:
    """The product with its database in ``folder``; all it is sent to protect itself is on."""
    options = ("--listen", "tcp:{port}:interface=127.0.0.1", "--metrics-listen", "tcp:0:interface=127.0.0.1")
    return Server(
        PRODUCT,
        frozenset((SOCKETIO, NATIVE)),
        (*twist(reactor), "yektayar-bench", *options),
        ROOT,
        settings(folder),
    )


def twist(reactor: str) -> tuple[str, ...]:
    """``python -m twisted``, as an operator starts a service."""
    return (sys.executable, "-m", "twisted", *(("--reactor", reactor) if reactor else ()))


def settings(folder: Path) -> dict[str, str]:
    """The environment of a service whose database is in ``folder``."""
    application = str(Path(__file__).with_name("application"))
    return {"DATABASE_URL": f"sqlite:///{folder}/db", "PYTHONPATH": application, **_NO_AI}


@contextmanager
def running(server: Server, cores: str = SERVER_CORE) -> Iterator[Running]:
    """Start ``server``, and stop it."""
    port = free_port()
    command = [part.format(port=port) for part in server.command]
    with started(
        pinned(cores, *command), "is ready", environment=server.environment, folder=server.folder
    ) as (process, _):
        yield Running(server, port, process.pid)


def acquire(gateway: Running, folder: Path, count: int) -> Path:
    """A file in ``folder`` with the tokens of ``count`` new sessions of the product."""
    path = folder / "tokens"
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
    with path.open("w") as file:
        for _ in range(count):
            connection.request("POST", "/api/auth/acquire-session", "{}", {"Content-Type": "application/json"})
            print(json.loads(connection.getresponse().read())["data"]["token"], file=file)
    connection.close()
    return path


def chosen(names: Sequence[str] | None) -> list[Server]:
    """The peers that were asked for by name, whatever the case; all of them where none was."""
    wanted = None if names is None else {name.lower() for name in names}
    return [peer for peer in PEERS if wanted is None or peer.name.lower() in wanted]
