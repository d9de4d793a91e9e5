"""On what it was measured, and in which versions."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks.generator import CORES, LOAD_CORE, SERVER_CORE

_PEERS = Path(__file__).with_name("peers")
_PYTHON = ("python-socketio", "uvicorn", "aiohttp", "uvloop", "websockets", "picows")
_NODE = ("socket.io", "@socket.io/bun-engine", "bun", "ws")


def described(reactor: str) -> str:
    """Some lines of prose. ``reactor``: the name of the product's."""
    pinned = f"server on core {SERVER_CORE}, load on core {LOAD_CORE}"
    ours = [f"{name} {metadata.version(name)}" for name in ("twisted", "autobahn", "msgspec", "orjson")]
    told = (
        f"{datetime.now(UTC):%Y-%m-%d}; {_processor()}, {len(CORES)} cores ({pinned}); Linux {platform.release()}.",
        f"yekta {metadata.version('yekta')}: Python {platform.python_version()}{_whose()}, {', '.join(ours)}; "
        f"reactor: {reactor or 'its choice'}.",
        f"Peers: Node {_node()}, {', '.join(_packages() + _requirements())}.",
    )
    return "\n".join(textwrap.fill(line, 120) for line in told)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


def _whose() -> str:
    # Distributions build it with profile-guided optimization, which many who build their own leave out.
    return " of the distribution" if sys.base_prefix == "/usr" else ""


def _node() -> str:
    try:
        return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip(" v\n")
    except (OSError, subprocess.CalledProcessError):
        return "not installed"


def _packages() -> list[str]:
    asked = json.loads((_PEERS / "package.json").read_text())["dependencies"]
    return [f"{name} {asked[name]}" for name in _NODE]


def _requirements() -> list[str]:
    lines = (_PEERS / "requirements.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    return [f"{name} {pinned[name]}" for name in _PYTHON]
