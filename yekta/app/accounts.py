"""Accounts: who may register, and who gets a logged-in session.

The refusals' words are the original system's, save that an unknown user and a wrong password get the same ones,
after the same time. Knows no wire: the edge hands in what a client sent, of whatever type, and turns a
:class:`ClientError` into an answer.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from yekta.app import identifiers
from yekta.app.account_store import AccountStore, User
from yekta.app.attempts import Attempts
from yekta.app.database import DatabaseError
from yekta.app.errors import ClientError
from yekta.app.passwords import Passwords
from yekta.app.sessions import REPLACED, Session, Sessions, StoreUnavailable
from yekta.clocks import wall_clock
from yekta.seldom import Seldom
from yekta.timestamps import iso

# What a visitor may register as; every other type of account is for an administrator to give.
TYPES = ("patient",)

# Characters. The upper limit keeps a hash from being fed megabytes.
PASSWORD_LENGTH = range(8, 1025)

_log = Logger()


class Accounts:
    """Registers and logs in."""

    def __init__(
        self,
        store: AccountStore,
        sessions: Sessions,
        passwords: Passwords,
        clock: IReactorTime,
        attempts: Attempts | None = None,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._passwords = passwords
        self._wall = wall_clock(clock)
        self._attempts = attempts or Attempts(clock)
        self._failures = Seldom(clock)

    async def register(
        self,
        *,
        name: object,
        email: object = None,
        phone: object = None,
        password: object = None,
        type: object = "patient",
        client: str = "",
    ) -> dict[str, object]:
        """A new account, as :func:`describe` gives it. Raises :class:`ClientError` 400, 409 or 503.

        Without a password nobody can log in to it yet. ``client``: see `Passwords.place`.
        """
        user = _new_user(name, email, phone, type, self._wall())
        if password is not None:
            text = _new_password(password)
            with self._passwords.place(client):
                user = attrs.evolve(user, password_hash=await self._passwords.hash(text))
        try:
            is_added = await self._store.add(user)
        except DatabaseError as error:
            raise self._unavailable("Registration failed", "Could not register user.", error) from None
        if not is_added:
            raise ClientError("User already exists", "A user with this email or phone already exists", status=409)
        return describe(user)

    async def login(
        self,
        identifier: object,
        password: object,
        *,
        previous_token: str | None = None,
        metadata: Mapping[str, object] | None = None,
        client: str = "",
    ) -> tuple[str, Session, dict[str, object]]:
        """A new logged-in session: its token, the session, and the user as :func:`describe` gives it.

        The session that the client came with (``previous_token``) is ended: whoever knew its token shall not share
        the login. ``client``: see `Passwords.place`. Raises :class:`ClientError` 400, 401, 403, 429 or 503.
        """
        known_as = identifiers.text(identifier)
        if not known_as or not isinstance(password, str) or not password:
            raise ClientError("Missing credentials", "Email/phone and password are required")
        try:
            # Nothing is counted for which there is no room.
            with self._passwords.place(client):
                user = await self._judge(identifiers.email(known_as) or identifiers.phone(known_as), password)
            token, session = await self._sessions.acquire(user_id=user.id, is_logged_in=True, metadata=metadata)
            if previous_token is not None:
                await self._sessions.end(previous_token, REPLACED)
        except (DatabaseError, StoreUnavailable) as error:
            raise self._unavailable("Login failed", "Could not log in.", error) from None
        return token, session, describe(user)

    async def _judge(self, identifier: str | None, password: str) -> User:
        """The user, if the password is right. What the client got wrong counts as an attempt, an outage does not."""
        if identifier is None or len(password) >= PASSWORD_LENGTH.stop:
            raise _invalid_credentials()
        self._attempts.begin(identifier)
        try:
            user = await self._store.find(identifier)
            is_right = await self._passwords.verify(password, user.password_hash if user else None)
        except BaseException:
            self._attempts.take_back(identifier)
            raise
        if user is None or not is_right:
            raise _invalid_credentials()
        self._attempts.succeed(identifier)
        if user.is_disabled:
            raise ClientError("Account disabled", "This account has been disabled", status=403)
        await self._renew_hash(user, password)
        return user

    def _unavailable(self, error: str, message: str, reason: Exception) -> ClientError:
        if self._failures.is_due(error):
            _log.warn("{error}: {reason}", error=error, reason=str(reason))
        return ClientError(error, f"{message} Please try again.", status=503)

    async def _renew_hash(self, user: User, password: str) -> None:
        """Move a hash of older parameters to today's. The login does not depend on it."""
        if user.password_hash is None or not self._passwords.is_outdated(user.password_hash):
            return
        with contextlib.suppress(ClientError, DatabaseError):
            await self._store.set_password_hash(user.id, await self._passwords.hash(password))


def describe(user: User) -> dict[str, object]:
    """The user as clients see it: ``{id, email, phone, name, type, created_at}``, the time as ISO 8601 text."""
    return {
        "id": user.id,
        "email": user.email,
        "phone": user.phone,
        "name": user.name,
        "type": user.type,
        "created_at": iso(user.created_at),
    }


def _new_user(name: object, email: object, phone: object, kind: object, now: float) -> User:
    called = identifiers.text(name)
    if not called or not (email or phone):
        raise ClientError("Missing required fields", "Name and either email or phone is required")
    if len(called) > identifiers.NAME_LIMIT:
        raise ClientError("Invalid name", f"A name has at most {identifiers.NAME_LIMIT} characters")
    if kind not in TYPES:
        raise ClientError("Invalid type", "Only patients can register")
    user = User(
        id=secrets.token_hex(8),
        email=identifiers.email(email),
        phone=identifiers.phone(phone),
        name=called,
        type=str(kind),
        created_at=now,
    )
    if email and user.email is None:
        raise ClientError("Invalid email", "This is not an email address")
    if phone and user.phone is None:
        raise ClientError("Invalid phone", "This is not a phone number")
    return user


def _new_password(password: object) -> str:
    if not isinstance(password, str) or len(password) not in PASSWORD_LENGTH:
        first, last = PASSWORD_LENGTH[0], PASSWORD_LENGTH[-1]
        raise ClientError("Invalid password", f"A password has {first} to {last} characters")
    return password


def _invalid_credentials() -> ClientError:
    return ClientError("Invalid credentials", "Incorrect email, phone or password", status=401)
