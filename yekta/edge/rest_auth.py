"""The part of REST that lets people in: anonymous sessions, accounts, login and logout."""

from __future__ import annotations

from typing import Any

from yekta.app.accounts import Accounts
from yekta.app.allowance import Allowance
from yekta.app.errors import ClientError
from yekta.app.peer import mask
from yekta.app.schemas import Login, Register
from yekta.app.sessions import Sessions, StoreUnavailable
from yekta.edge.endpoint import TIME, Call, Endpoint
from yekta.edge.login import INVALID_TOKEN, STORE_DOWN, TOKEN_REQUIRED, NotAuthenticated, authenticate
from yekta.timestamps import iso
from yekta.web.forwarded import Trusted, is_local

_USER = {"id": "u1", "email": "a@example.org", "phone": None, "name": "Sara", "type": "patient", "created_at": TIME}
_TOKEN = {"token": "43 characters", "expiresAt": TIME}

# What the original says where others are told why they are not authenticated.
_NO_SESSION = {
    TOKEN_REQUIRED: (
        "No token provided",
        "Token must be provided via Authorization header, cookie, or query parameter",
    ),
    INVALID_TOKEN: ("Invalid or expired session", "Please acquire a new session"),
    STORE_DOWN: ("Failed to validate session", "Could not validate session. Please try again."),
}


class RestAuth:
    """The endpoints below ``/api/auth/``. ``trusted``: the proxies that say who their clients are. ``new_sessions``:
    how many may be had, by whichever of them; without it, any number.
    """

    def __init__(
        self, sessions: Sessions, accounts: Accounts, trusted: Trusted, new_sessions: Allowance | None
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._trusted = trusted
        self._new_sessions = new_sessions

    def endpoints(self) -> list[Endpoint]:
        """The table."""
        session = {"token": "***abcd", "userId": None, "isLoggedIn": False, "expiresAt": TIME}
        registered = {"success": True, "data": _USER, "message": "User registered successfully"}
        logged_in = {"success": True, "data": {**_TOKEN, "user": _USER}, "message": "Login successful"}
        return [
            Endpoint(
                "POST",
                "/api/auth/acquire-session",
                "A new anonymous session",
                self.acquire_session,
                {"success": True, "data": _TOKEN},
                errors=(400, 413, 415, 429, 503),
                tag="Sessions",
            ),
            Endpoint(
                "GET",
                "/api/auth/session",
                "The session of a token",
                self.session,
                {"success": True, "data": session},
                errors=(401, 503),
                authenticated=True,
                tag="Sessions",
            ),
            Endpoint(
                "POST",
                "/api/auth/register",
                "A new account",
                self.register,
                registered,
                body=Register,
                errors=(400, 409, 413, 415, 429, 503),
                tag="Accounts",
            ),
            Endpoint(
                "POST",
                "/api/auth/login",
                "A logged-in session; the session that comes along ends",
                self.login,
                logged_in,
                body=Login,
                errors=(400, 401, 403, 413, 415, 429, 503),
                recognizes=True,
                tag="Accounts",
            ),
            Endpoint(
                "POST",
                "/api/auth/logout",
                "End the session, and its connections",
                self.logout,
                {"success": True, "message": "Logged out successfully"},
                errors=(400, 401, 413, 415, 503),
                authenticated=True,
                tag="Sessions",
            ),
        ]

    async def acquire_session(self, call: Call) -> dict[str, Any]:
        self._count(call)
        try:
            token, session = await self._sessions.acquire(metadata=_metadata(call))
        except StoreUnavailable:
            raise ClientError(
                "Failed to acquire session", "Could not create a new session. Please try again.", status=503
            ) from None
        return {"success": True, "data": {"token": token, "expiresAt": iso(session.expires_at)}}

    async def session(self, call: Call) -> dict[str, Any]:
        try:
            session = await authenticate(self._sessions, call.token)
        except NotAuthenticated as refusal:
            error, message = _NO_SESSION[refusal.message]
            raise ClientError(error, message, status=refusal.status) from None
        data = {
            "token": mask(call.token or ""),
            "userId": session.user_id,
            "isLoggedIn": session.is_logged_in,
            "expiresAt": iso(session.expires_at),
        }
        return {"success": True, "data": data}

    async def register(self, call: Call) -> dict[str, Any]:
        self._count(call)
        body: Register = call.body
        user = await self._accounts.register(
            name=body.name,
            email=body.email,
            phone=body.phone,
            password=body.password,
            type=body.type,
            client=self._client(call),
        )
        return {"success": True, "data": user, "message": "User registered successfully"}

    async def login(self, call: Call) -> dict[str, Any]:
        self._count(call)
        body: Login = call.body
        token, session, user = await self._accounts.login(
            body.identifier,
            body.password,
            previous_token=call.token,
            metadata=_metadata(call),
            client=self._client(call),
        )
        data = {"token": token, "expiresAt": iso(session.expires_at), "user": user}
        return {"success": True, "data": data, "message": "Login successful"}

    async def logout(self, call: Call) -> dict[str, Any]:
        if call.token is None:
            raise ClientError("No token provided", status=401)
        try:
            await self._sessions.end(call.token)
        except StoreUnavailable:
            raise ClientError("Failed to logout", status=503) from None
        return {"success": True, "message": "Logged out successfully"}

    def _count(self, call: Call) -> None:
        """One who wants a new session, or an account, of which each has sessions. Raises :class:`ClientError` 429."""
        if self._new_sessions is not None:
            self._new_sessions.take(self._client(call))

    def _client(self, call: Call) -> str:
        """The address for which the limits of one client hold; ``""`` where, as for connections, none does: this
        machine's, and a trusted proxy's that says nothing of its client."""
        address = call.asked.address
        return "" if is_local(address) or address in self._trusted else address


def _metadata(call: Call) -> dict[str, object]:
    return {"userAgent": call.asked.headers.get("user-agent", ""), "ip": call.asked.address}
