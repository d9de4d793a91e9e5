"""The settings of a Socket.IO server, and how `Server(reactor, ping_interval=20.0, …)` finds where each belongs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from yekta.bounds import checked
from yekta.engineio.settings import Cookie
from yekta.engineio.settings import Settings as EngineSettings
from yekta.socketio.packet import MAX_ATTACHMENTS, MAX_NAMESPACE
from yekta.socketio.parser import Parser
from yekta.socketio.recovery import Settings as RecoverySettings
from yekta.web.origins import Origins
from yekta.websocket.limits import Limits as WebSocketLimits

# What Node takes in another shape: that would fail with each client, and not before.
_SHAPES = {"client_bundle": Path, "cookie": Cookie, "recovery": RecoverySettings}


@attrs.frozen(field_transformer=checked)
class Settings:
    """Seconds, bytes, numbers. ``connect_timeout``: how long a client may stay without a namespace.

    ``packet_timeout``: how long attachments may be late. ``max_namespaces``, ``max_acks``, ``max_backlog``: of one
    client; ``max_namespace_length``: of a name, ``max_auth_length``: of a CONNECT, which is ``auth`` above all, both in
    characters.
    ``ordered``: whether one client's events wait for an ``async`` listener of the one before.
    ``aliases``: other spellings of a namespace, such as the path that socket.io-client takes for one.
    ``recovery``: for connections that break; ``None`` is off. ``parser``: for all clients, instead of each one's own.
    ``client_bundle``: a folder with socket.io.js and its like, served beside the connections.
    """

    engine: EngineSettings = attrs.field(factory=EngineSettings)
    websocket: WebSocketLimits = attrs.field(factory=WebSocketLimits)
    connect_timeout: float = 45.0
    packet_timeout: float = 30.0
    max_attachments: int = MAX_ATTACHMENTS
    max_namespaces: int = 32
    max_namespace_length: int = MAX_NAMESPACE
    # A token or two. It is kept as long as the socket, and may take 20 times as much once it is read.
    max_auth_length: int = 16_384
    max_acks: int = 10_000
    max_backlog: int = 1_000
    ordered: bool = True
    aliases: Mapping[str, str] = attrs.field(factory=dict)
    recovery: RecoverySettings | None = None
    parser: Parser | None = None
    client_bundle: Path | None = None


def from_options(options: dict[str, Any]) -> Settings:
    """Settings from one flat set of options. ``cors_origins`` is a list of origins, or one.

    Raises `TypeError`, naming the option that nobody knows, or that is something else, and `ValueError`, naming the one
    that cannot be so.
    """
    for name, shape in _SHAPES.items():
        if not isinstance(options.get(name), shape | None):
            raise TypeError(f"{name} must be a {shape.__module__}.{shape.__name__}, not {options[name]!r}")
    engine = _take(options, EngineSettings)
    if "cors_origins" in options:
        engine["origins"] = _origins(options.pop("cors_origins"))
    websocket = _take(options, WebSocketLimits)
    for shared, its_own in (("max_payload", "max_message"), ("max_queued", "max_queued")):
        if shared in engine:
            websocket.setdefault(its_own, engine[shared])
    own = _take(options, Settings)
    if options:
        raise TypeError(f"unknown option {next(iter(options))!r}")
    own.setdefault("engine", EngineSettings(**engine))
    own.setdefault("websocket", WebSocketLimits(**websocket))
    return Settings(**own)


def _origins(given: Any) -> Origins:
    origins = [given] if isinstance(given, str) else list(given) if isinstance(given, Iterable) else [given]
    if not all(isinstance(origin, str) for origin in origins):
        raise TypeError(f"cors_origins must be a list of str, or one, not {given!r}")
    return Origins(origins)


def _take(options: dict[str, Any], kind: type) -> dict[str, Any]:
    names = {field.name for field in attrs.fields(kind)}
    # Both layers bound what is queued; the WebSocket's own heartbeat is not Engine.IO's.
    if kind is WebSocketLimits:
        names -= {"max_queued", "ping_interval", "ping_timeout"}
    return {name: options.pop(name) for name in names & options.keys()}
