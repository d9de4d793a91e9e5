"""The floors of the house: a module imports its own floor or a lower one, and from outside only what its floor may."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

YEKTA = Path(__file__).parent.parent / "yekta"

# The first match counts. See the floor map in yekta/__init__.py.
FLOORS = {
    "yekta.websocket.frame": 0,
    "yekta.engineio.packet": 0,
    "yekta.engineio.errors": 0,
    "yekta.socketio.packet": 0,
    "yekta.socketio.errors": 0,
    "yekta.ai.sse": 0,
    "yekta.web.request": 0,
    "yekta.web.plain": 0,
    "yekta.web.personal": 0,
    "yekta.web.origins": 0,
    "yekta.web.forwarded": 0,
    "yekta.jsontext": 0,
    "yekta.ids": 0,
    "yekta.attributes": 0,
    "yekta.eventually": 0,
    "yekta.lru": 0,
    "yekta.stale_sockets": 0,
    "yekta.msgpack": 0,
    "yekta.engineio.eio3": 0,
    "yekta.rooms": 0,
    "yekta.taken": 0,
    "yekta.alarm": 1,
    "yekta.informing": 1,
    "yekta.seldom": 1,
    "yekta.turns": 1,
    "yekta.rests": 1,
    "yekta.waiters": 1,
    "yekta.timeouts": 1,
    "yekta.timestamps": 1,
    "yekta.clocks": 1,
    "yekta.lookups": 1,
    "yekta.tcp": 1,
    "yekta.ports": 1,
    "yekta.tls": 1,
    "yekta.tls_connection": 1,
    "yekta.web": 1,
    "yekta.websocket": 1,
    "yekta.engineio": 1,
    "yekta.redis.address": 0,
    "yekta.socketio": 1,
    "yekta.redis": 1,
    "yekta.ai": 1,
    "yekta.app": 2,
    "yekta.edge": 3,
    "yekta.link": 3,
    "yekta.services": 4,
    "yekta.command": 4,
    "yekta": 0,
}

OUTSIDE = {
    0: {"attrs"},
    1: {"attrs", "twisted", "zope"},
    2: {"attrs", "twisted", "msgspec", "argon2", "psycopg"},
    3: {"attrs", "twisted", "msgspec", "zope"},
    4: {"attrs", "twisted", "zope", "dotenv", "xllamacpp"},
}

# What only one place may touch.
ONLY = {
    "autobahn": ("yekta.websocket.lean", "yekta.websocket.factory", "yekta.command.websocket"),
    "treq": ("yekta.ai",),
    "klein": ("yekta.edge.rest",),
    "prometheus_client": ("yekta.edge.metrics",),
    "werkzeug": ("yekta.edge.rest",),
    "txredisapi": ("yekta.redis.lasting",),
    "OpenSSL": ("yekta.tls", "yekta.tls_connection"),
    "orjson": ("yekta.jsontext",),
    "msgspec": ("yekta.msgpack", "yekta.app", "yekta.edge", "yekta.link"),
    "reactor": ("yekta.services",),
}

STANDARD = {"__future__"} | set(__import__("sys").stdlib_module_names)

MODULES = sorted(YEKTA.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(YEKTA.parent).with_suffix("").parts).removesuffix(".__init__")


def floor(module: str) -> int:
    return next(floor for name, floor in FLOORS.items() if module == name or module.startswith(name + "."))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the floor"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_its_own_floor_or_a_lower_one(path: Path) -> None:
    module = name_of(path)
    for imported in imports(path):
        top = imported.partition(".")[0]
        keyword = "reactor" if imported == "twisted.internet.reactor" else top
        if keyword in ONLY:
            assert module.startswith(ONLY[keyword]), f"{module} imports {imported}"
        elif top == "yekta":
            assert floor(imported) <= floor(module), f"{module} climbs to {imported}"
        elif top not in STANDARD:
            assert top in OUTSIDE[floor(module)], f"{module} imports {imported}"
