"""What TLS and compression cost: a server's processor time for one native echo, plain and wrapped.

Not rates: the clients (`peers/wrapped_client.py`) are written in Python, and busier than most of the servers. Each
server is started anew for each way, as some can do but one at a time.
"""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

from benchmarks.comparison import progress
from benchmarks.generator import LOAD_CORE, LoadError, pinned
from benchmarks.processor import spent
from benchmarks.servers import NATIVE, PEERS, PRODUCT, Running, Server, product, python_of_peers, running
from benchmarks.table import rst
from tests.support.certificates import certify

# A message of so many bytes, and how it is wrapped.
_WAYS: Sequence[tuple[int, str]] = ((20, ""), (20, "tls"), (1000, ""), (1000, "tls"), (1000, "deflate"))

_TITLES = {"": "plain", "tls": "over TLS", "deflate": "with permessage-deflate"}

# Those that know both.
_PEERS = ("Bun", "Node", "websockets")


def run(folder: Path, tokens: Path, reactor: str, rounds: int, seconds: float) -> str:
    """Measure and tell. Raises `LoadError`; `RuntimeError` where a server does not start so."""
    certificate = str(certify(folder, "localhost"))
    servers = [product(folder, reactor), *(peer for peer in PEERS if NATIVE in peer.families and peer.name in _PEERS)]
    rows = [["native echo, µs of the server's processor", *(server.name for server in servers)]]
    for size, way in _WAYS:
        cells = []
        for server in servers:
            progress(f"{server.name}, {size} bytes, {_TITLES[way]}")
            with running(_wrapped(server, way, certificate)) as started:
                taken = [_cost(started, tokens, max(seconds, 1.0), size, way) for _ in range(rounds)]
            cells.append(f"{statistics.median(taken):,.1f}")
        rows.append([f"{size:,} bytes, {_TITLES[way]}", *cells])
    return rst(rows, range(len(rows[0])))


def _wrapped(server: Server, way: str, certificate: str) -> Server:
    if server.name != PRODUCT:
        return attrs.evolve(server, environment={**server.environment, "WRAPPED": way, "CERTIFICATE": certificate})
    command = server.command
    if way == "tls":
        secure = f"ssl:{{port}}:interface=127.0.0.1:privateKey={certificate}"
        command = tuple(secure if part.startswith("tcp:{port}") else part for part in command)
    compresses = {"DEFLATE_THRESHOLD": "1"} if way == "deflate" else {}
    return attrs.evolve(server, command=command, environment={**server.environment, **compresses})


def _cost(server: Running, tokens: Path, seconds: float, size: int, way: str) -> float:
    """Microseconds for one echo."""
    script = str(Path(__file__).with_name("peers") / "wrapped_client.py")
    command = pinned(LOAD_CORE, python_of_peers, script, str(server.port), str(tokens), str(seconds), str(size), way)
    before = spent(server.process)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise LoadError(f"{server.server.name}, {_TITLES[way]}: {ended.stderr.strip().splitlines()[-1:]}")
    return (spent(server.process) - before) * 1e6 / int(ended.stdout)
