"""The certificate of an endpoint of ``ssl:``, which may be renewed while connections are open.

Twisted reads it once, and of a file that has the whole chain sends the first certificate alone, which only a client
that knows the next one can trust. What OpenSSL has against it, Twisted says to each client that comes.
"""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path
from typing import Any

from twisted.internet import ssl
from twisted.internet.endpoints import _parse, _parseSSL
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.logger import Logger
from zope.interface import implementer

from yekta.services.config import ConfigError

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# OpenSSL would ask for the passphrase at the terminal, and all clients would wait.
_PASSPHRASE = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")


@implementer(IOpenSSLContextFactory)
class Certificate:
    """What ``endpoint`` names, as it was read last. Raises `ConfigError`; ``setting`` is what it comes from."""

    _log = Logger()

    def __init__(self, setting: str, endpoint: str) -> None:
        self._setting = setting
        self._endpoint = endpoint
        self._options = self._read()

    def renew(self) -> None:
        """Read it again for connections to come; where it cannot be used, the one before stays."""
        try:
            self._options = self._read()
        except ConfigError as error:
            self._log.warn("{error} The certificate that was read before stays.", error=str(error))

    def getContext(self) -> Any:
        """For a new connection. What else Twisted asks for, its `CertificateOptions` have not always had."""
        return self._options.getContext()

    def _read(self) -> Any:
        try:
            options = _options(self._endpoint)
        except Exception as error:
            # Of what kind it is depends on who finds it: the system, Twisted, or OpenSSL.
            sentence = f"{self._setting} must be an endpoint, not {self._endpoint!r}: {_reason(error)}."
            raise ConfigError(sentence) from None
        if options.certificate.has_expired():
            self._log.warn("The certificate of {endpoint} has expired.", endpoint=self._endpoint)
        return options


def is_tls(endpoint: str) -> bool:
    """Whether an endpoint string is one of ``ssl:`` or ``haproxy:ssl:``."""
    return endpoint.removeprefix("haproxy:").startswith("ssl:")


def _options(endpoint: str) -> Any:
    """As Twisted has them, with the rest of the chain, and with whatever OpenSSL can say against them now."""
    positional, named = _parse(endpoint.removeprefix("haproxy:"))
    given = signature(_parseSSL).bind(None, *positional[1:], **named)
    given.apply_defaults()
    key = given.arguments["privateKey"]
    chain = _certificates(given.arguments["certKey"] or key)
    _require_key(key)
    (_, _, options), _ = _parseSSL(*given.args, **given.kwargs)
    if given.arguments["extraCertChain"] is None:
        options.extraCertChain = chain[1:]
    options.getContext()
    return options


def _certificates(path: str) -> list[Any]:
    found = _CERTIFICATE.findall(Path(path).read_bytes())
    if not found:
        raise ValueError(f"there is no certificate in {path}")
    return [ssl.Certificate.loadPEM(each).original for each in found]


def _require_key(path: str) -> None:
    pem = Path(path).read_bytes()
    if b"PRIVATE KEY-----" not in pem:
        raise ValueError(f"there is no private key in {path}")
    if any(each in pem for each in _PASSPHRASE):
        raise ValueError(f"the private key in {path} has a passphrase")


def _reason(error: Exception) -> str:
    """What happened, of an error of OpenSSL's too: it has a list of what, where and why."""
    said = error.args[0] if error.args else ""
    if isinstance(said, list):
        return ", ".join(why for *_, why in said)
    return str(error).rstrip(".")
