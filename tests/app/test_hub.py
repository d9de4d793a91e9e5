"""Arrivals and departures: the welcome, the rooms, and the end of a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from tests.support.peers import FakePeer
from tests.support.session_stores import FakeOutage
from yekta.app.hub import LEFT, Hub
from yekta.app.sessions import LOGGED_OUT, Session, Sessions
from yekta.socketio.adapter import AdapterContext, InMemoryAdapter
from yekta.socketio.message import Message


class Member(FakePeer):
    """In the adapter's rooms, as the real peers are."""

    adapter: InMemoryAdapter

    @property
    def rooms(self) -> Any:
        return self.adapter.rooms.others(self)  # type: ignore[arg-type]

    def join(self, *rooms: str) -> None:
        self.adapter.add(self, rooms)  # type: ignore[arg-type]

    def deliver(self, message: Message) -> None:
        self.emit(message.args[0], message.args[1])


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.sessions = Sessions(FakeOutage(), self.clock)
        self.adapter = InMemoryAdapter(AdapterContext(self.clock))
        self.hub = Hub(self.sessions, self.adapter)

    def acquire(self, user_id: str | None = None) -> tuple[str, Session]:
        acquired: list[tuple[str, Session]] = []
        ensureDeferred(self.sessions.acquire(user_id=user_id, is_logged_in=user_id is not None)).addCallback(
            acquired.append
        )
        return acquired[0]

    def arrive(self, session: Session, id: str = "peer") -> Member:
        peer = Member(session, id)
        peer.adapter = self.adapter
        self.hub.arrive(peer)
        return peer

    def depart(self, peer: Member) -> None:
        self.adapter.remove_all(peer)  # type: ignore[arg-type]
        self.hub.depart(peer)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for peer in world.hub.peers:
        world.depart(peer)  # type: ignore[arg-type]
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("user_id", "rooms"), [(None, ["session:{}"]), ("42", ["session:{}", "user:42"]), ("", ["session:{}", "user:"])]
)
def test_who_arrives_is_welcomed_once_and_in_its_rooms(world: World, user_id: str | None, rooms: list[str]) -> None:
    _, session = world.acquire(user_id)
    peer = world.arrive(session)
    welcome = {
        "message": "Connected to YektaYar server",
        "socketId": "peer",
        "isLoggedIn": user_id is not None,
        "protocol": "fake",
    }
    assert peer.emitted == [("connected", welcome)]
    assert sorted(peer.rooms) == [room.format(session.id) for room in rooms]
    assert (world.hub.peers, len(world.hub.members)) == ([peer], 1)


@pytest.mark.parametrize(("user_id", "is_logged_in"), [("42", False), (None, True)])
def test_only_a_user_who_has_logged_in_is_in_a_users_room(
    world: World, user_id: str | None, is_logged_in: bool
) -> None:
    session = attrs.evolve(world.acquire()[1], user_id=user_id, is_logged_in=is_logged_in)
    peer = world.arrive(session)
    assert sorted(peer.rooms) == [f"session:{session.id}"]


def test_who_departs_is_gone_and_may_depart_twice(world: World) -> None:
    peer = world.arrive(world.acquire()[1])
    never: Deferred[None] = Deferred()

    async def wait() -> None:
        await never

    peer.own(wait())
    world.depart(peer)
    world.depart(peer)
    assert (world.hub.peers, len(world.hub.members)) == ([], 0)
    assert world.hub.departures == {("fake", LEFT): 1}
    assert (peer.working, never.called) == (0, True)


def test_the_end_of_a_session_is_told_to_its_peers_alone(world: World) -> None:
    token, session = world.acquire("42")
    leaving = [world.arrive(session, id) for id in ("a", "b")]
    staying = world.arrive(world.acquire("42")[1], "c")
    ensureDeferred(world.sessions.end(token))
    assert [peer.ended for peer in leaving] == [[LOGGED_OUT], [LOGGED_OUT]]
    assert staying.ended == []


def test_what_is_said_to_a_room_reaches_those_who_are_in_it(world: World) -> None:
    a, b = (world.arrive(world.acquire(user)[1], user) for user in ("1", "2"))
    world.hub.emit("user:1", "news", {"n": 1})
    assert a.emitted[1:] == [("news", {"n": 1})]
    assert b.emitted[1:] == []


def test_activity_is_noted_for_the_session(world: World) -> None:
    _, session = world.acquire()
    peer = world.arrive(session)
    world.hub.touch(peer.session.id)
    assert world.sessions._touched == {session.id}
