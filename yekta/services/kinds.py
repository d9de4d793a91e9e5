"""What a setting may be: each kind makes the value of a text, or raises `ValueError` with what it must be."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from twisted.internet.endpoints import quoteStringArgument

from yekta.redis.address import parse
from yekta.web.forwarded import Trusted, parse_trusted

# There is none above it.
LAST_PORT = 65535

# The longest namespace that a packet may have, in characters; `socketio.packet`, which is loaded later, has it too.
LONGEST_NAMESPACE = 256

# As many digits as any number here has.
_DIGITS = 15
_LARGEST = 10**_DIGITS - 1

# What a path has on its way (RFC 3986, 3.3). Every client encodes the rest, and would not be known by it.
_PATH = re.compile(r"[\w.~!$&'()*+,;=:@%/-]*", re.ASCII)

# What is in a URL, or a pattern, but in no origin (RFC 6454, 6.1).
_NO_ORIGINS = frozenset("*/?#@ ")


def any_text(value: str) -> str:
    return value


def host(value: str) -> str:
    # As an endpoint's interface, nothing at all would be every address of the machine.
    if value:
        return value
    raise ValueError("an address or a name")


def flag(value: str) -> bool:
    if value.lower() in ("", "0", "false", "no", "off"):
        return False
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    raise ValueError("true or false")


def port(value: str) -> int:
    return _whole(value, 0, LAST_PORT, f"a port number from 0 to {LAST_PORT}")


def count(value: str) -> int:
    return _whole(value, 0, _LARGEST, "a whole number, 0 or above")


def positive(value: str) -> int:
    return _whole(value, 1, _LARGEST, "a whole number above 0")


def namespace_length(value: str) -> int:
    return _whole(value, 1, LONGEST_NAMESPACE, f"a whole number from 1 to {LONGEST_NAMESPACE}")


def _whole(value: str, least: int, most: int, what: str) -> int:
    # Python refuses to read thousands of digits, in words of its own.
    if value.isascii() and value.isdigit() and len(value) <= _DIGITS and least <= int(value) <= most:
        return int(value)
    raise ValueError(what)


def duration(value: str) -> float:
    with suppress(ValueError):
        if 0 <= (length := float(value)) < 1e9:
            return length
    raise ValueError("a number of seconds, 0 or above")


def seconds(value: str) -> float:
    with suppress(ValueError):
        if length := duration(value):
            return length
    raise ValueError("a number of seconds above 0")


def path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("a path that begins with /")
    if not _PATH.fullmatch(value):
        raise ValueError("a path as a request has it, percent-encoded")
    if f"{value}/".startswith("/socket.io/"):
        raise ValueError("a path that is none of Socket.IO's")
    return value.rstrip("/") or "/"


def origins(value: str) -> tuple[str, ...]:
    given = tuple(origin for origin in parts(value) if origin)
    if all(origin in ("*", "null") or _is_origin(origin) for origin in given):
        return given
    raise ValueError("a comma-separated list of origins such as https://app.example, null or *")


def _is_origin(text: str) -> bool:
    """Whether a browser may call a page so; a slash at the end does no harm."""
    scheme, separator, authority = text.partition("://")
    return bool(separator) and not _NO_ORIGINS & {*scheme, *authority.rstrip("/")}


def proxies(value: str) -> Trusted:
    try:
        return parse_trusted(item for item in parts(value) if item)
    except ValueError:
        raise ValueError("a comma-separated list of addresses, networks or unix, as 127.0.0.1,10.0.0.0/8") from None


def letters(value: str) -> str:
    if not value or (value.isascii() and value.isalnum() and len(value) <= 32):
        return value
    raise ValueError("up to 32 letters and digits")


def parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(","))


def urls(value: str) -> tuple[str, ...]:
    given = tuple(part.rstrip("/") for part in parts(value) if part)
    if all(_is_url(url) for url in given):
        return given
    raise ValueError("a comma-separated list of http:// or https:// URLs, without a user")


def _is_url(url: str) -> bool:
    """Whether something can be asked below ``url``."""
    if not url.startswith(("http://", "https://")) or any(each.isspace() or each in "@?#" for each in url):
        return False
    try:
        split = urlsplit(url)
        # A port is looked at only when it is asked for.
        return bool(split.hostname and split.hostname.encode("idna")) and split.port != 0
    except ValueError:
        return False


def redis_url(value: str) -> str:
    if value:
        try:
            parse(value)
        except ValueError:
            raise ValueError("redis://HOST:PORT/DATABASE, rediss:// for TLS, or unix:///PATH") from None
    return value


def log_format(value: str) -> str:
    if value in ("", "text", "json", "journal"):
        return value
    raise ValueError("text, json or journal")


def loopback(value: str) -> str:
    if not value:
        return value
    # What listens there gives whoever comes in the whole process.
    address, _, number = value.rpartition(":")
    address = address.strip("[]") or "127.0.0.1"
    with suppress(ValueError):
        if ip_address(address).is_loopback:
            return f"tcp:{port(number)}:interface={quoteStringArgument(address)}"
    raise ValueError("a port of a loopback address, such as 2222 or 127.0.0.1:2222")


def model(value: str) -> str:
    with suppress(OSError, ValueError):
        if not value or _begins(file(value), b"GGUF"):
            return value
    raise ValueError("the path of a GGUF file")


def _begins(path: str, magic: bytes) -> bool:
    with open(path, "rb") as opened:
        return opened.read(len(magic)) == magic


def file(value: str) -> str:
    if not value or Path(value).is_file():
        return value
    raise ValueError("the path of a file")
