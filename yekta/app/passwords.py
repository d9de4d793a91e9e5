"""Passwords as argon2id hashes (RFC 9106), made and checked off the reactor's thread.

A hash costs tens of milliseconds and tens of megabytes, on purpose. So few run at a time, few more may wait, fewer
still for one client, and everybody else is asked to come back. Knows no account.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import argon2
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.threads import deferToThreadPool

from yekta.app.errors import ClientError
from yekta.web.census import Census

Result = TypeVar("Result")

# Seconds after which a client that was turned away may try again.
RETRY_AFTER = 2.0

# Places of one client address: as many as run at a time, and two that wait. It takes many to shut out everybody else.
OF_ONE_CLIENT = 4


class Passwords:
    """Hashes and verifies, each inside a `place`.

    ``reactor`` lends the threads. ``concurrent`` hashes run at a time and ``waiting`` more may queue. ``hasher`` has
    the argon2 parameters, by default those of RFC 9106 for machines with little memory.
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
        self._places = Census(concurrent + waiting, OF_ONE_CLIENT)
        self._turns = DeferredSemaphore(concurrent)
        # Verified where there is nothing to verify, so that an unknown user takes as long as a wrong password.
        self._nobodys = self._hasher.hash(secrets.token_hex(16))

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """A place in the queue, for as long as hashes are wanted. ``client``: an address, or ``""`` for whoever is not
        to be limited.

        Raises :class:`ClientError` 503 where there is none left.
        """
        if not self._places.enter(client):
            raise ClientError(
                "Server busy", "Too many logins at once. Please try again.", status=503, retry_after=RETRY_AFTER
            )
        try:
            yield
        finally:
            self._places.leave(client)

    async def hash(self, password: str) -> str:
        """The hash of ``password``, to be kept."""
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
        await self._turns.acquire()
        answer: Deferred[Result] = Deferred()
        # The caller may go away at any time, the thread cannot: nobody else's turn comes until it is back.
        deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work).addBoth(self._back, answer)
        return await answer

    def _back(self, result: Any, answer: Deferred[Any]) -> None:
        self._turns.release()
        if not answer.called:
            answer.callback(result)


def _octets(password: str) -> bytes:
    """One form for what keyboards compose differently (NFC, as RFC 8265 has it), and no text that cannot be said."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
