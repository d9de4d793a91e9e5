"""Passwords as argon2id hashes (RFC 9106), made and checked off the reactor's thread.

A hash costs tens of milliseconds and tens of megabytes, on purpose. So few run at a time, few more may wait, and
everybody else is asked to come back. Knows no account.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

import argon2
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.threads import deferToThreadPool

from yekta.app.errors import ClientError

Result = TypeVar("Result")

# Seconds after which a client that was turned away may try again.
RETRY_AFTER = 2.0


class Passwords:
    """Hashes and verifies.

    ``reactor`` lends the threads. ``concurrent`` hashes run at a time and ``waiting`` more may queue; the next is
    refused with a :class:`ClientError` 503. ``hasher`` has the argon2 parameters, by default those of RFC 9106 for
    machines with little memory.
    """

    def __init__(
        self,
        reactor: IReactorThreads,
        *,
        concurrent: int = 2,
        waiting: int = 32,
        hasher: Any = None,
    ) -> None:
        self._reactor = reactor
        self._hasher = hasher or argon2.PasswordHasher()
        self._places = concurrent + waiting
        self._turns = DeferredSemaphore(concurrent)
        # Verified where there is nothing to verify, so that an unknown user takes as long as a wrong password.
        self._nobodys = self._hasher.hash(secrets.token_hex(16))

    async def hash(self, password: str) -> str:
        """The hash to keep."""
        return await self._in_thread(lambda: str(self._hasher.hash(_octets(password))))

    async def verify(self, password: str, kept: str | None) -> bool:
        """Whether this is the password. Takes the same time when nothing was kept, and is then never true."""
        is_match = await self._in_thread(lambda: self._is_match(kept or self._nobodys, password))
        return is_match and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return bool(self._hasher.check_needs_rehash(kept))

    def _is_match(self, kept: str, password: str) -> bool:
        try:
            return bool(self._hasher.verify(kept, _octets(password)))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        if not self._places:
            raise ClientError(
                "Server busy", "Too many logins at once. Please try again.", status=503, retry_after=RETRY_AFTER
            )
        self._places -= 1
        try:
            await self._turns.acquire()
        except CancelledError:
            self._places += 1
            raise
        answer: Deferred[Result] = Deferred()
        # The caller may go away at any time, the thread cannot: its place is taken until it is back.
        deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work).addBoth(self._back, answer)
        return await answer

    def _back(self, result: Any, answer: Deferred[Any]) -> None:
        self._turns.release()
        self._places += 1
        if not answer.called:
            answer.callback(result)


def _octets(password: str) -> bytes:
    """One form for what keyboards compose differently (NFC, as RFC 8265 has it), and no text that cannot be said."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
