"""``/api/auth``: sessions and accounts, the original's words with fitting statuses."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor

from tests.support.doors import House, build, house, quiet
from tests.support.gateway import hash_of
from tests.support.http import Answer
from tests.support.patterns import TIMESTAMP, TOKEN, Like
from tests.support.rest import call, refused
from yekta.app.passwords import OF_ONE_CLIENT

__all__ = ["house"]

reactor: Any = _reactor

PASSWORD = "correct horse"
SARA = {"name": "Sara", "email": "Sara@Example.org", "password": PASSWORD}
LOGIN = {"identifier": "sara@example.org", "password": PASSWORD}
USER: dict[str, Any] = {
    "id": Like("[0-9a-f]{16}"),
    "email": "sara@example.org",
    "phone": None,
    "name": "Sara",
    "type": "patient",
    "created_at": TIMESTAMP,
}

NO_TOKEN = (401, "No token provided", "Token must be provided via Authorization header, cookie, or query parameter")
INVALID = (401, "Invalid or expired session", "Please acquire a new session")
MISSING = (400, "Missing required fields", "Name and either email or phone is required")
NO_CREDENTIALS = (400, "Missing credentials", "Email/phone and password are required")
WRONG = (401, "Invalid credentials", "Incorrect email, phone or password")

legacy = pytest.mark.parametrize("house", [{"LEGACY_STATUS": "true"}], indirect=True)


@pytest.mark.parametrize("body", [None, b"", {}, {"any": "thing"}, {"token": "x"}])
@pytest_twisted.ensureDeferred
async def test_a_session_is_acquired_whatever_the_body(house: House, body: Any) -> None:
    answer = await call(house, "POST", "/api/auth/acquire-session", *([] if body is None else [body]))
    assert (answer.status, answer.json) == (200, {"success": True, "data": {"token": TOKEN, "expiresAt": TIMESTAMP}})
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("short", ["true", "false"])
@pytest.mark.parametrize("bound", ["0", "2"])
@pytest_twisted.ensureDeferred
async def test_new_sessions_of_one_address_can_be_bounded(short: str, bound: str) -> None:
    house = await build(
        NEW_SESSIONS_PER_ADDRESS=bound, TRUSTED_PROXIES="127.0.0.1,192.0.2.9", HTTP_SHORT_PATH=short
    )

    async def acquire(client: str) -> Answer:
        return await call(house, "POST", "/api/auth/acquire-session", headers={"X-Forwarded-For": client})

    # A proxy that says nothing of its client speaks for many, and so does this machine.
    for client in ("192.0.2.1", "192.0.2.2", "192.0.2.9", "127.0.0.2"):
        assert [(await acquire(client)).status for _ in range(2)] == [200, 200]
    assert (await acquire("192.0.2.9")).status == (await acquire("127.0.0.2")).status == 200
    answer = await acquire("192.0.2.1")
    if bound == "0":
        assert answer.status == 200
    else:
        assert (answer.status, answer.json["error"]) == (429, "Too many requests")
        assert 0 < int(answer.headers["retry-after"]) <= 30
    assert len(house.gateway.store.added) == 10 + (bound == "0")
    await house.close()
    await quiet()


@pytest.mark.parametrize("house", [{"NEW_SESSIONS_PER_ADDRESS": "3", "TRUSTED_PROXIES": "127.0.0.1"}], indirect=True)
@pytest_twisted.ensureDeferred
async def test_who_registers_and_logs_in_has_no_more_of_them(house: House) -> None:
    async def ask(path: str, body: Any, client: str = "192.0.2.1") -> int:
        answer = await call(house, "POST", f"/api/auth/{path}", body, headers={"X-Forwarded-For": client})
        return answer.status

    wanted = ("register", SARA), ("login", LOGIN), ("acquire-session", {})
    assert [await ask(*each) for each in wanted] == [200] * 3
    assert [await ask(*each) for each in wanted] == [429] * 3
    assert await ask("login", LOGIN, "192.0.2.2") == 200


@pytest_twisted.ensureDeferred
async def test_a_session_remembers_agent_and_address_and_lives_thirty_days(house: House) -> None:
    before = reactor.seconds()
    await call(house, "POST", "/api/auth/register", SARA)
    for path, body in (("acquire-session", {}), ("login", LOGIN)):
        await call(house, "POST", f"/api/auth/{path}", body, headers={"User-Agent": "Sara's"})
    for new in house.gateway.store.added:
        assert new.metadata == '{"userAgent":"Sara\'s","ip":"127.0.0.1"}'
        assert 0 <= new.session.expires_at - 30 * 86400 - before < 60
    assert [new.session.is_logged_in for new in house.gateway.store.added] == [False, True]


@pytest_twisted.ensureDeferred
async def test_a_session_is_shown_with_its_token_masked(house: House) -> None:
    token, _ = await house.gateway.acquire()
    answer = await call(house, "GET", "/api/auth/session", token=token)
    data = {"token": "***" + token[-4:], "userId": None, "isLoggedIn": False, "expiresAt": TIMESTAMP}
    assert (answer.status, answer.json) == (200, {"success": True, "data": data})
    token, _ = await house.gateway.acquire("42")
    answer = await call(house, "GET", "/api/auth/session", token=token)
    assert (answer.json["data"]["userId"], answer.json["data"]["isLoggedIn"]) == ("42", True)


@pytest_twisted.ensureDeferred
async def test_a_session_that_is_none_is_refused(house: House) -> None:
    assert await refused(house, "GET", "/api/auth/session") == NO_TOKEN
    for token in ("x", "x" * 43, await house.gateway.acquire_until(reactor.seconds() - 1)):
        assert await refused(house, "GET", "/api/auth/session", token=token) == INVALID


@pytest_twisted.ensureDeferred
async def test_an_account_is_registered_and_logged_in(house: House) -> None:
    answer = await call(house, "POST", "/api/auth/register", SARA)
    assert (answer.status, answer.json) == (
        200,
        {"success": True, "data": USER, "message": "User registered successfully"},
    )
    answer = await call(house, "POST", "/api/auth/login", LOGIN)
    assert answer.status == 200
    data = {"token": TOKEN, "expiresAt": TIMESTAMP, "user": USER}
    assert answer.json == {"success": True, "data": data, "message": "Login successful"}
    session = (await call(house, "GET", "/api/auth/session", token=answer.json["data"]["token"])).json["data"]
    assert (session["userId"], session["isLoggedIn"]) == (answer.json["data"]["user"]["id"], True)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"name": ""}, MISSING),
        ({"name": "  "}, MISSING),
        ({"email": None}, MISSING),
        ({"email": ""}, MISSING),
        ({"email": "nobody"}, (400, "Invalid email", "This is not an email address")),
        ({"phone": "12"}, (400, "Invalid phone", "This is not a phone number")),
        ({"password": "short"}, (400, "Invalid password", "A password has 8 to 1024 characters")),
        ({"type": "admin"}, (400, "Invalid type", "Only patients can register")),
        ({"type": "psychologist"}, (400, "Invalid type", "Only patients can register")),
    ],
)
@pytest_twisted.ensureDeferred
async def test_who_may_not_register(house: House, change: dict[str, Any], refusal: tuple[int, str, str]) -> None:
    assert await refused(house, "POST", "/api/auth/register", {**SARA, **change}) == refusal
    assert house.gateway.users.users == []


@pytest.mark.parametrize("body", [{"name": 1}, {"email": []}, {"password": 1}, {"type": None}])
@pytest_twisted.ensureDeferred
async def test_fields_of_the_wrong_type_are_refused_by_name(house: House, body: dict[str, Any]) -> None:
    status, error, message = await refused(house, "POST", "/api/auth/register", {**SARA, **body})
    assert status == 400
    assert f"$.{next(iter(body))}" in error == message


@pytest_twisted.ensureDeferred
async def test_nobody_registers_twice(house: House) -> None:
    await call(house, "POST", "/api/auth/register", SARA)
    assert await refused(house, "POST", "/api/auth/register", {**SARA, "name": "Other"}) == (
        409,
        "User already exists",
        "A user with this email or phone already exists",
    )


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"identifier": ""}, NO_CREDENTIALS),
        ({"password": ""}, NO_CREDENTIALS),
        ({"password": "wrong horse"}, WRONG),
        ({"identifier": "nobody@example.org"}, WRONG),
    ],
)
@pytest_twisted.ensureDeferred
async def test_who_may_not_log_in(house: House, change: dict[str, Any], refusal: tuple[int, str, str]) -> None:
    await call(house, "POST", "/api/auth/register", SARA)
    assert await refused(house, "POST", "/api/auth/login", {**LOGIN, **change}) == refusal
    assert await refused(house, "POST", "/api/auth/login", {}) == NO_CREDENTIALS
    assert house.gateway.store.added == []


@pytest_twisted.ensureDeferred
async def test_a_disabled_account_is_told_so(house: House) -> None:
    await call(house, "POST", "/api/auth/register", SARA)
    house.gateway.users.users[0] = attrs.evolve(house.gateway.users.users[0], is_disabled=True)
    refusal = await refused(house, "POST", "/api/auth/login", LOGIN)
    assert refusal == (403, "Account disabled", "This account has been disabled")


@pytest_twisted.ensureDeferred
async def test_guessing_is_bounded_and_says_when_to_return(house: House) -> None:
    for _ in range(5):
        assert (await refused(house, "POST", "/api/auth/login", {**LOGIN, "password": "guess"}))[0] == 401
    answer = await call(house, "POST", "/api/auth/login", LOGIN)
    assert (answer.status, answer.json["error"]) == (429, "Too many attempts")
    assert 0 < int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize("house", [{"TRUSTED_PROXIES": "127.0.0.1,192.0.2.9"}], indirect=True)
@pytest_twisted.ensureDeferred
async def test_one_address_cannot_shut_out_the_logins_of_others(house: House) -> None:
    with ExitStack() as places:
        for _ in range(OF_ONE_CLIENT):
            for client in ("192.0.2.1", "192.0.2.9"):
                places.enter_context(house.gateway.passwords.place(client))
        for path, body in (("login", LOGIN), ("register", SARA)):
            answer = await call(
                house, "POST", f"/api/auth/{path}", body, headers={"X-Forwarded-For": "192.0.2.1"}
            )
            assert (answer.status, answer.json["error"]) == (503, "Server busy")
            assert answer.headers["retry-after"] == "2"
        # A proxy that says nothing of its client speaks for many, and so does this machine.
        for client in ("192.0.2.2", "192.0.2.9", "127.0.0.2"):
            answer = await call(house, "POST", "/api/auth/login", LOGIN, headers={"X-Forwarded-For": client})
            assert (answer.status, answer.json["error"]) == (401, "Invalid credentials")


@pytest_twisted.ensureDeferred
async def test_a_logout_ends_the_session_once(house: House) -> None:
    token, _ = await house.gateway.acquire()
    answer = await call(house, "POST", "/api/auth/logout", token=token)
    assert (answer.status, answer.json) == (200, {"success": True, "message": "Logged out successfully"})
    assert await refused(house, "GET", "/api/auth/session", token=token) == INVALID
    assert (await call(house, "POST", "/api/auth/logout", token=token)).status == 200
    assert (await refused(house, "POST", "/api/auth/logout"))[:2] == (401, "No token provided")


AGAIN = "Please try again."
DOWN = [
    ("POST", "/api/auth/acquire-session", {}, "Failed to acquire session", f"Could not create a new session. {AGAIN}"),
    ("GET", "/api/auth/session", {}, "Failed to validate session", f"Could not validate session. {AGAIN}"),
    ("POST", "/api/auth/register", SARA, "Registration failed", f"Could not register user. {AGAIN}"),
    ("POST", "/api/auth/login", LOGIN, "Login failed", f"Could not log in. {AGAIN}"),
    ("POST", "/api/auth/logout", {}, "Failed to logout", "Failed to logout"),
]


@pytest.mark.parametrize(("method", "path", "body", "error", "message"), DOWN)
@pytest_twisted.ensureDeferred
async def test_an_outage_of_the_database_is_a_503(
    house: House, method: str, path: str, body: Any, error: str, message: str
) -> None:
    house.gateway.store.is_down = house.gateway.users.is_down = True
    args = [body] if method == "POST" else []
    assert await refused(house, method, path, *args, token="x" * 43) == (503, error, message)


@legacy
@pytest_twisted.ensureDeferred
async def test_legacy_status_answers_errors_of_auth_alone_with_200(house: House) -> None:
    assert await refused(house, "GET", "/api/auth/session") == (200, *NO_TOKEN[1:])
    assert await refused(house, "GET", "/api/auth/session", token="x" * 43) == (200, *INVALID[1:])
    assert await refused(house, "POST", "/api/auth/register", {}) == (200, *MISSING[1:])
    assert await refused(house, "POST", "/api/auth/login", {**LOGIN}) == (200, *WRONG[1:])
    assert (await refused(house, "POST", "/api/auth/login", b"{"))[:2] == (200, "Invalid JSON")
    house.gateway.store.is_down = True
    assert (await refused(house, "POST", "/api/auth/acquire-session"))[:2] == (200, "Failed to acquire session")
    assert (await refused(house, "POST", "/api/ai/chat", {}))[:2] == (400, "Message is required")
    assert (await call(house, "GET", "/api/nothing")).status == 404


@pytest_twisted.ensureDeferred
async def test_a_login_ends_the_session_that_came_along(house: House) -> None:
    await call(house, "POST", "/api/auth/register", SARA)
    token, _ = await house.gateway.acquire()
    answer = await call(house, "POST", "/api/auth/login", LOGIN, token=token)
    assert await refused(house, "GET", "/api/auth/session", token=token) == INVALID
    assert (await call(house, "GET", "/api/auth/session", token=answer.json["data"]["token"])).status == 200


@pytest_twisted.ensureDeferred
async def test_tokens_are_kept_as_hashes_alone(house: House) -> None:
    token = (await call(house, "POST", "/api/auth/acquire-session")).json["data"]["token"]
    [new] = house.gateway.store.added
    assert new.token_hash == hash_of(token)
    assert token not in repr(attrs.asdict(new))
