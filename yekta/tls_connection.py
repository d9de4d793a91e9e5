"""A TLS connection of Python's own `ssl`, with the methods that Twisted calls of pyOpenSSL's.

Both are OpenSSL, in memory. The way to it through pyOpenSSL takes longer than all that it does for a short record: to
read one and to write another take 4.8 µs there, and 2.2 here.
"""

from __future__ import annotations

import ssl

from OpenSSL.SSL import Error, WantReadError, ZeroReturnError
from zope.interface import Interface


class ITlsContext(Interface):
    """What the connections of a port have in common; it may be another for the next one."""

    def connection() -> TlsConnection:
        """The server's end of a new one."""


class TlsConnection:
    """The server's end of one connection of ``context``. Its methods raise as pyOpenSSL's do."""

    __slots__ = ("_come", "_tls", "_to_go")

    def __init__(self, context: ssl.SSLContext) -> None:
        self._come, self._to_go = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._come, self._to_go, server_side=True)

    def bio_write(self, data: bytes) -> int:
        """Bytes have arrived."""
        return self._come.write(data)

    def bio_shutdown(self) -> None:
        """No more will arrive."""
        self._come.write_eof()

    def bio_read(self, most: int) -> bytes:
        """Bytes that are to be sent: all of them, as Twisted does not ask again, and hands may be shaken with more."""
        data = self._to_go.read()
        if not data:
            raise WantReadError
        return data

    def do_handshake(self) -> None:
        """Go on with it."""
        try:
            self._tls.do_handshake()
        except ssl.SSLError as error:
            raise _as_pyopenssl(error) from None

    def recv(self, most: int) -> bytes:
        """What was in the bytes that have arrived."""
        try:
            data = self._tls.read(most)
        except ssl.SSLError as error:
            raise _as_pyopenssl(error) from None
        if not data:
            raise ZeroReturnError
        return data

    def send(self, data: bytes) -> int:
        """Say ``data``; gives how much of it is said."""
        try:
            return self._tls.write(data)
        except ssl.SSLError as error:
            raise _as_pyopenssl(error) from None

    def shutdown(self) -> bool:
        """Say goodbye. Whether the client has as well, as far as it was read."""
        # Python looks for it at once, and what has come before it would be an error.
        come = self._come.read()
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            return False
        finally:
            if not self._come.eof:
                self._come.write(come)
        return True

    def get_peer_certificate(self) -> None:
        """Clients are not asked for theirs."""

    def get_alpn_proto_negotiated(self) -> bytes:
        """The protocol that both have agreed on (RFC 7301); empty where the client named none."""
        return (self._tls.selected_alpn_protocol() or "").encode()


def _as_pyopenssl(error: ssl.SSLError) -> Error:
    if isinstance(error, ssl.SSLWantReadError):
        return WantReadError()
    is_goodbye = isinstance(error, ssl.SSLZeroReturnError)
    # Twisted asks each for its words, also a goodbye in the middle of a handshake; Python may give none.
    is_end = is_goodbye or isinstance(error, ssl.SSLEOFError)
    reason = "unexpected eof while reading" if is_end else (error.reason or "").replace("_", " ").lower()
    return (ZeroReturnError if is_goodbye else Error)([("SSL routines", "", reason)])
