"""Accounts, on a real database and with real (cheap) hashes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import argon2
import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tests.support.clocks import TwoClocks
from tests.support.databases import database, reactor, url
from tests.support.session_stores import FakeOutage
from yekta.app.account_store import AccountStore
from yekta.app.accounts import Accounts
from yekta.app.attempts import Attempts
from yekta.app.database import Database
from yekta.app.errors import ClientError
from yekta.app.passwords import Passwords
from yekta.app.sessions import InvalidSession, Sessions

__all__ = ["database", "url"]

PASSWORD = "correct horse"
SARA = {"name": "Sara", "email": "Sara@Example.com", "phone": "0912 123 4567", "password": PASSWORD}


def cheap(time_cost: int = 1) -> Any:
    return argon2.PasswordHasher(time_cost=time_cost, memory_cost=8, parallelism=1)


class Counting(Passwords):
    """Counts what costs time."""

    checks = 0

    async def verify(self, password: str, kept: str | None) -> bool:
        self.checks += 1
        return await super().verify(password, kept)


@attrs.define(eq=False)
class World:
    database: Database
    clock: Clock
    store: AccountStore
    session_store: FakeOutage
    sessions: Sessions
    passwords: Counting
    accounts: Accounts


@pytest_twisted.async_yield_fixture
async def world(database: Database) -> AsyncIterator[World]:
    clock = TwoClocks(1_769_850_302.123)
    store, session_store = AccountStore(database), FakeOutage()
    sessions = Sessions(session_store, clock)
    passwords = Counting(reactor, hasher=cheap())
    yield World(
        database, clock, store, session_store, sessions, passwords, Accounts(store, sessions, passwords, clock)
    )
    assert clock.getDelayedCalls() == []


async def refusal(coroutine: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        await coroutine
    return caught.value.status, caught.value.error, caught.value.message


WRONG = (401, "Invalid credentials", "Incorrect email, phone or password")


@pytest_twisted.ensureDeferred
async def test_who_registers_can_log_in(world: World) -> None:
    user = await world.accounts.register(**SARA)
    assert user == {
        "id": user["id"],
        "email": "sara@example.com",
        "phone": "09121234567",
        "name": "Sara",
        "type": "patient",
        "created_at": "2026-01-31T09:05:02.123Z",
    }
    for identifier in ("sara@example.com", " SARA@example.com", "0912-1234567", "۰۹۱۲۱۲۳۴۵۶۷"):
        token, session, who = await world.accounts.login(identifier, PASSWORD)
        assert who == user
        assert (session.user_id, session.is_logged_in) == (user["id"], True)
        assert await world.sessions.find(token) == session


@pytest.mark.parametrize("same", [{"email": "SARA@example.com"}, {"phone": "09121234567"}])
@pytest_twisted.ensureDeferred
async def test_an_email_or_phone_registers_once(world: World, same: dict[str, str]) -> None:
    await world.accounts.register(**SARA)
    assert await refusal(world.accounts.register(name="Other", **same)) == (
        409,
        "User already exists",
        "A user with this email or phone already exists",
    )


@pytest_twisted.ensureDeferred
async def test_of_many_at_once_one_registers(world: World) -> None:
    attempts = [Deferred.fromCoroutine(world.accounts.register(**SARA)) for _ in range(5)]
    for attempt in attempts:
        attempt.addErrback(lambda failure: failure.value.status)
    results = await gatherResults(attempts)
    assert results.count(409) == 4


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "Missing required fields"),
        ({"name": "Sara"}, "Missing required fields"),
        ({"name": "  ", "email": "a@b.c"}, "Missing required fields"),
        ({"name": 7, "email": "a@b.c"}, "Missing required fields"),
        ({"name": "x\x00", "email": "a@b.c"}, "Missing required fields"),
        ({"email": "a@b.c"}, "Missing required fields"),
        ({"name": "x" * 201, "email": "a@b.c"}, "Invalid name"),
        ({"name": "x" + "\u0301" * 100_000, "email": "a@b.c"}, "Invalid name"),
        ({"name": "Sara", "email": "nowhere"}, "Invalid email"),
        ({"name": "Sara", "email": ["a@b.c"]}, "Invalid email"),
        ({"name": "Sara", "email": "a@b.c", "phone": "nobody"}, "Invalid phone"),
        ({"name": "Sara", "email": "a@b.c", "type": "admin"}, "Invalid type"),
        ({"name": "Sara", "email": "a@b.c", "type": None}, "Invalid type"),
        ({"name": "Sara", "email": "a@b.c", "type": ["patient"]}, "Invalid type"),
        ({"name": "Sara", "email": "a@b.c", "password": "x" * 7}, "Invalid password"),
        ({"name": "Sara", "email": "a@b.c", "password": "x" * 1025}, "Invalid password"),
        ({"name": "Sara", "email": "a@b.c", "password": 12345678}, "Invalid password"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_cannot_register(world: World, fields: dict[str, object], error: str) -> None:
    status, said, _ = await refusal(world.accounts.register(**({"name": None} | fields)))
    assert (status, said) == (400, error)
    assert await world.database.query("SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize("password", ["x" * 8, "x" * 1024])
@pytest_twisted.ensureDeferred
async def test_what_just_fits_registers_and_logs_in(world: World, password: str) -> None:
    user = await world.accounts.register(**{**SARA, "name": "x" * 200, "password": password})
    assert (await world.accounts.login("sara@example.com", password))[2] == user
    status, _, message = await refusal(world.accounts.register(name="x", phone="09120000000", password="x" * 7))
    assert (status, message) == (400, "A password has 8 to 1024 characters")


@pytest.mark.parametrize(
    ("identifier", "password"),
    [
        (None, PASSWORD),
        ("sara@example.com", None),
        ("sara@example.com", 12345678),
        ("", PASSWORD),
        ("sara@example.com", ""),
        (["x"], PASSWORD),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_login_needs_both(world: World, identifier: object, password: object) -> None:
    assert await refusal(world.accounts.login(identifier, password)) == (
        400,
        "Missing credentials",
        "Email/phone and password are required",
    )


@pytest_twisted.ensureDeferred
async def test_unknown_users_wrong_passwords_and_no_password_are_one_answer_for_one_price(world: World) -> None:
    await world.accounts.register(**SARA)
    await world.accounts.register(name="Nima", phone="09120000000")
    for identifier in ("sara@example.com", "nobody@example.com", "09120000000", "09129999999"):
        before = world.passwords.checks
        assert await refusal(world.accounts.login(identifier, "wrong horse")) == WRONG
        assert world.passwords.checks == before + 1


@pytest_twisted.ensureDeferred
async def test_what_can_be_nobodys_is_neither_hashed_nor_an_attempt(world: World) -> None:
    await world.accounts.register(**SARA)
    assert await refusal(world.accounts.login("no identifier at all", PASSWORD)) == WRONG
    assert await refusal(world.accounts.login("x" + "\u0301" * 100_000, PASSWORD)) == WRONG
    for _ in range(6):
        assert await refusal(world.accounts.login("sara@example.com", "x" * 1025)) == WRONG
    assert world.passwords.checks == 0
    await world.accounts.login("sara@example.com", PASSWORD)


@pytest_twisted.ensureDeferred
async def test_a_disabled_account_says_so_only_to_who_knows_the_password(world: World) -> None:
    await world.accounts.register(**SARA)
    await world.database.change(lambda transaction: transaction.run("UPDATE users SET disabled = TRUE"))
    assert await refusal(world.accounts.login("sara@example.com", "wrong horse")) == WRONG
    assert await refusal(world.accounts.login("sara@example.com", PASSWORD)) == (
        403,
        "Account disabled",
        "This account has been disabled",
    )
    assert not world.session_store.asked
    await world.database.change(lambda transaction: transaction.run("UPDATE users SET disabled = FALSE"))
    await world.accounts.login("sara@example.com", PASSWORD)


@pytest_twisted.ensureDeferred
async def test_guessing_is_limited_even_all_at_once(world: World) -> None:
    await world.accounts.register(**SARA)
    guesses = [Deferred.fromCoroutine(world.accounts.login("sara@example.com", "wrong horse")) for _ in range(20)]
    for guess in guesses:
        guess.addErrback(lambda failure: failure.value.status)
    assert sorted(await gatherResults(guesses)) == [401] * 5 + [429] * 15
    assert world.passwords.checks == 5
    status, *_ = await refusal(world.accounts.login("SARA@example.com", PASSWORD))
    assert status == 429
    world.clock.advance(900.0)
    await world.accounts.login("sara@example.com", PASSWORD)


@pytest_twisted.ensureDeferred
async def test_logins_that_found_no_room_count_for_nobody_and_let_nobody_be_forgotten(world: World) -> None:
    passwords = Passwords(reactor, concurrent=1, waiting=0, hasher=cheap())
    accounts = Accounts(world.store, world.sessions, passwords, world.clock, Attempts(world.clock, names=4))
    await accounts.register(**SARA)
    for _ in range(4):
        assert await refusal(accounts.login("sara@example.com", "wrong horse")) == WRONG
    with passwords.place(""):
        for number in range(20):
            for _ in range(2):
                status, *_ = await refusal(accounts.login(f"{number}@example.com", "wrong horse"))
                assert status == 503
        assert (await refusal(accounts.login("sara@example.com", "wrong horse")))[0] == 503
    assert await refusal(accounts.login("sara@example.com", "wrong horse")) == WRONG
    assert (await refusal(accounts.login("sara@example.com", PASSWORD)))[0] == 429


@pytest_twisted.ensureDeferred
async def test_a_login_ends_the_session_that_the_client_came_with(world: World) -> None:
    await world.accounts.register(**SARA)
    anonymous, _ = await world.sessions.acquire()
    token, session, _ = await world.accounts.login(
        "sara@example.com", PASSWORD, previous_token=anonymous, metadata={"ip": "192.0.2.1"}
    )
    assert world.session_store.added[-1].metadata == '{"ip":"192.0.2.1"}'
    with pytest.raises(InvalidSession):
        await world.sessions.find(anonymous)
    assert await world.sessions.find(token) == session
    await world.accounts.login("sara@example.com", PASSWORD, previous_token="nonsense")


@pytest_twisted.ensureDeferred
async def test_a_failed_login_leaves_it(world: World) -> None:
    anonymous, session = await world.sessions.acquire()
    await refusal(world.accounts.login("sara@example.com", PASSWORD, previous_token=anonymous))
    assert await world.sessions.find(anonymous) == session


@pytest_twisted.ensureDeferred
async def test_a_hash_of_older_parameters_is_renewed_by_a_login(world: World) -> None:
    user = await world.accounts.register(**SARA)
    await world.store.set_password_hash(str(user["id"]), cheap(time_cost=2).hash(PASSWORD.encode()))
    await world.accounts.login("sara@example.com", PASSWORD)
    found = await world.store.find("sara@example.com")
    assert found is not None
    assert found.password_hash is not None
    assert "t=1" in found.password_hash
    await world.accounts.login("sara@example.com", PASSWORD)
    # One of today's is left as it is.
    assert await world.store.find("sara@example.com") == found


@pytest_twisted.ensureDeferred
async def test_an_outage_is_no_failed_attempt_and_says_nothing_of_itself_but_to_the_log(world: World) -> None:
    await world.accounts.register(**SARA)
    world.session_store.is_down = True
    with capturedLogs() as logs:
        for _ in range(6):
            status, error, message = await refusal(world.accounts.login("sara@example.com", PASSWORD))
            assert (status, error, message) == (503, "Login failed", "Could not log in. Please try again.")
        await world.database.close()
        for _ in range(6):
            assert (await refusal(world.accounts.login("sara@example.com", PASSWORD)))[:2] == (503, "Login failed")
        assert await refusal(world.accounts.register(**SARA)) == (
            503,
            "Registration failed",
            "Could not register user. Please try again.",
        )
    told = [formatEvent(event) for event in logs if event["log_namespace"] == "yekta.app.accounts"]
    assert told[0] == "Login failed: It is down."
    # Once, however many ask meanwhile.
    assert [line.partition(":")[0] for line in told] == ["Login failed", "Registration failed"]
    assert not any("sara" in line.lower() for line in told)


@pytest_twisted.ensureDeferred
async def test_nothing_private_is_in_a_repr(world: World) -> None:
    await world.accounts.register(**SARA)
    shown = repr(await world.store.find("sara@example.com"))
    for private in ("sara", "Sara", "0912", "argon2"):
        assert private not in shown
