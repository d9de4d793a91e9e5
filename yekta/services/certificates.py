"""The certificate of an endpoint of ``ssl:``, which may be renewed while connections are open.

Twisted reads it once, and of a file that has the whole chain sends the first certificate alone, which only a client
that knows the next one can trust. What OpenSSL has against it, Twisted says to each client that comes.
"""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NoReturn

from twisted.internet.endpoints import _parse, _parseSSL
from twisted.internet.ssl import Certificate as Parsed
from twisted.logger import Logger
from zope.interface import implementer

from yekta.services.config import ConfigError
from yekta.tls_connection import ITlsContext, TlsConnection

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# What is spoken inside (RFC 7301).
_SPOKEN = ["http/1.1"]


@implementer(ITlsContext)
class Certificate:
    """What ``endpoint`` names, as it was read last. Raises `ConfigError`; ``setting`` is what it comes from.

    ``file``: where it was read. ``ends``: until when it is good, in POSIX seconds, whatever has signed it.
    """

    _log = Logger()

    def __init__(self, setting: str, endpoint: str) -> None:
        self._setting = setting
        self._endpoint = endpoint
        self._context = self._read()

    def renew(self) -> None:
        """Read it again for connections to come; where it cannot be used, the one before stays."""
        try:
            self._context = self._read()
        except ConfigError as error:
            self._log.warn("{error} The certificate that was read before stays.", error=str(error))

    def connection(self) -> TlsConnection:
        return TlsConnection(self._context)

    def _read(self) -> ssl.SSLContext:
        try:
            self.file, context, certificate = _read(self._endpoint)
        except Exception as error:
            # Of what kind it is depends on who finds it: the system, Twisted, or OpenSSL.
            sentence = f"{self._setting} must be an endpoint, not {self._endpoint!r}: {_reason(error)}."
            raise ConfigError(sentence) from None
        if certificate.has_expired():
            self._log.warn("The certificate of {endpoint} has expired.", endpoint=self._endpoint)
        self.ends = _end(certificate)
        return context


def is_tls(endpoint: str) -> bool:
    """Whether an endpoint string is one of ``ssl:`` or ``haproxy:ssl:``."""
    return endpoint.removeprefix("haproxy:").startswith("ssl:")


def _read(endpoint: str) -> tuple[str, ssl.SSLContext, Any]:
    """The certificate's file, a context for what is asked for, and the certificate itself; whatever OpenSSL can say
    against them, it says now."""
    positional, named = _parse(endpoint.removeprefix("haproxy:"))
    bound = signature(_parseSSL).bind(None, *positional[1:], **named)
    bound.apply_defaults()
    given = bound.arguments
    if given["sslmethod"] is not None:
        raise ValueError("sslmethod cannot be chosen, TLS 1.2 and 1.3 are spoken")
    key, file, more = given["privateKey"], given["certKey"] or given["privateKey"], given["extraCertChain"]
    chain = _certificates(file)
    certificate, *_ = [Parsed.loadPEM(each).original for each in chain]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Debian builds its Python without a least version.
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(_SPOKEN)
    if more is None:
        _load(context, file, key)
    else:
        # Python takes a chain from one file only.
        with NamedTemporaryFile() as together:
            together.write(b"\n".join((chain[0], *_certificates(more))))
            together.flush()
            _load(context, together.name, key)
    if given["dhParameters"] is not None:
        context.load_dh_params(given["dhParameters"])
    return file, context, certificate


def _end(certificate: Any) -> float:
    # To the second and in UTC, however the certificate has it.
    return datetime.strptime(certificate.get_notAfter().decode(), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _certificates(path: str) -> list[bytes]:
    """PEM of each that is there, of which there is one at least."""
    found = _CERTIFICATE.findall(Path(path).read_bytes())
    if not found:
        raise ValueError(f"there is no certificate in {path}")
    return found


def _load(context: ssl.SSLContext, chain: str, key: str) -> None:
    """The certificates of ``chain`` have been read once: what OpenSSL has no reason for is the key."""

    def refuse() -> NoReturn:
        # OpenSSL would ask for the passphrase at the terminal, and all clients would wait.
        raise ValueError(f"the private key in {key} has a passphrase")

    # Python would not say which file it is that is not there.
    Path(key).read_bytes()
    try:
        context.load_cert_chain(chain, key, refuse)
    except ssl.SSLError as error:
        if error.reason is not None:
            raise
        raise ValueError(f"there is no private key in {key} that can be read") from None


def _reason(error: Exception) -> str:
    """What happened; OpenSSL says it in a word, and the system has a number."""
    if isinstance(error, ssl.SSLError):
        return str(error.reason).replace("_", " ").lower()
    if isinstance(error, OSError):
        return f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
    said = error.args[0] if error.args else ""
    if isinstance(said, list):
        # Of pyOpenSSL: a list of what, where and why.
        return ", ".join(why for *_, why in said)
    return str(error).rstrip(".")
