from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Literal

import argon2
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from tests.support.databases import reactor
from yekta.app.errors import ClientError
from yekta.app.passwords import OF_ONE_CLIENT, Passwords

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Held:
    """A hasher whose hashes wait for an event, so that their number can be seen."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def hash(self, password: bytes | str) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.go.wait()
        with self._lock:
            self.running -= 1
        return "hash"


async def hash_of(passwords: Passwords) -> str:
    with passwords.place(""):
        return await passwords.hash("x")


@pytest_twisted.ensureDeferred
async def test_only_the_right_password_is_right() -> None:
    passwords = Passwords(reactor, hasher=CHEAP)
    kept = await passwords.hash("correct horse")
    assert kept.startswith("$argon2id$")
    assert await passwords.verify("correct horse", kept) is True
    assert await passwords.verify("correct horsf", kept) is False
    assert await passwords.verify("correct horse", None) is False
    assert await passwords.verify("correct horse", "not a hash") is False


class Agreeable(argon2.PasswordHasher):
    """Finds every password right."""

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        return True


@pytest_twisted.ensureDeferred
async def test_no_password_opens_what_has_none() -> None:
    passwords = Passwords(reactor, hasher=Agreeable(time_cost=1, memory_cost=8, parallelism=1))
    assert await passwords.verify("x", "a hash") is True
    assert await passwords.verify("x", None) is False


@pytest_twisted.ensureDeferred
async def test_a_password_is_the_same_however_the_keyboard_composes_it() -> None:
    passwords = Passwords(reactor, hasher=CHEAP)
    assert await passwords.verify("caf\u00e9 de nuit", await passwords.hash("cafe\u0301 de nuit"))
    assert not await passwords.verify("caf\udce9", await passwords.hash("caf\udce8"))


@pytest_twisted.ensureDeferred
async def test_a_hash_of_other_parameters_is_outdated() -> None:
    passwords = Passwords(reactor, hasher=CHEAP)
    other = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
    assert not passwords.is_outdated(await passwords.hash("x"))
    assert passwords.is_outdated(other.hash("x"))


@pytest_twisted.ensureDeferred
async def test_few_run_few_wait_and_the_next_is_asked_to_come_back() -> None:
    held = Held()
    passwords = Passwords(reactor, concurrent=2, waiting=3, hasher=held)
    held.go.clear()
    hashes = [Deferred.fromCoroutine(hash_of(passwords)) for _ in range(5)]
    with pytest.raises(ClientError) as caught, passwords.place(""):
        pass
    held.go.set()
    assert (caught.value.status, caught.value.retry_after) == (503, 2.0)
    assert await gatherResults(hashes) == ["hash"] * 5
    assert held.most <= 2
    assert await hash_of(passwords) == "hash"


@pytest.mark.parametrize(("one", "same"), [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::ffff:2")])
def test_one_address_cannot_take_all_places(one: str, same: str) -> None:
    passwords = Passwords(reactor, hasher=CHEAP)
    with ExitStack() as places:
        for _ in range(OF_ONE_CLIENT):
            places.enter_context(passwords.place(one))
        with pytest.raises(ClientError) as caught:
            places.enter_context(passwords.place(same))
        assert (caught.value.status, caught.value.retry_after) == (503, 2.0)
        places.enter_context(passwords.place("192.0.2.2"))
        for _ in range(2 * OF_ONE_CLIENT):
            places.enter_context(passwords.place(""))
    with passwords.place(same):
        pass


@pytest_twisted.ensureDeferred
async def test_who_goes_away_gives_up_the_place_in_the_queue() -> None:
    held = Held()
    passwords = Passwords(reactor, concurrent=1, waiting=1, hasher=held)
    held.go.clear()
    running, waiting = (Deferred.fromCoroutine(hash_of(passwords)) for _ in range(2))
    waiting.addErrback(lambda _: None).cancel()
    waiting = Deferred.fromCoroutine(hash_of(passwords))
    held.go.set()
    assert await gatherResults([running, waiting]) == ["hash", "hash"]
