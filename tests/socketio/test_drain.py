"""A server that sends its clients away little by little (reference: row 26)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.library import KINDS, Library, PollingClient, SocketClient


@pytest.fixture
def library() -> Iterator[Library]:
    library = Library()
    yield library
    library.end()


def never() -> float:
    raise AssertionError("nobody is there to be sent away")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_client_is_told_of_the_end_in_its_transport_s_way(library: Library, kind: str) -> None:
    client = library.joined(kind)
    client.heard()
    drained = library.server.drain(10.0, lambda: 0.5)
    library.server.emit("last words")
    library.clock.advance(4.9)
    assert client.open
    library.clock.advance(0.2)
    # No DISCONNECT, after which socket.io-client would not come back.
    assert [packet for packet in client.packets() if packet != "6"] == ['42["last words"]']
    if isinstance(client, SocketClient):
        assert client.closing() == 1000
    else:
        assert client.packets() == ["1"]
    assert not client.open
    library.clock.advance(5.0)
    assert drained.called


def test_a_poll_that_waits_is_answered_with_the_end(library: Library) -> None:
    client = library.joined("polling")
    assert isinstance(client, PollingClient)
    client.heard()
    poll = client.request("GET")
    library.server.drain(1.0, lambda: 0.5)
    library.clock.advance(0.6)
    assert poll.next_answer().body == b"1"
    library.clock.advance(0.5)


def test_clients_that_leave_before_their_moment_are_no_trouble(library: Library) -> None:
    clients = [library.joined() for _ in range(10)]
    drained = library.server.drain(10.0, lambda: 0.9)
    for client in clients:
        client.cut()
    library.assert_gone()
    library.clock.advance(10.0)
    assert drained.called


def test_clients_that_have_not_joined_anything_are_sent_away_too(library: Library) -> None:
    client = library.client()
    drained = library.server.drain(10.0, lambda: 0.5)
    library.clock.advance(5.1)
    assert not client.open
    library.clock.advance(5.0)
    assert drained.called


def test_a_server_without_clients_is_drained_too(library: Library) -> None:
    drained = library.server.drain(0.0, never)
    library.clock.advance(0)
    assert drained.called


def test_moments_are_spread_over_the_whole_time(library: Library) -> None:
    clients = [library.joined() for _ in range(10)]
    moments = iter(number / 10 for number in range(10))
    library.server.drain(10.0, lambda: next(moments))
    left = []
    for _ in range(10):
        library.clock.advance(1.0)
        left.append(sum(client.open for client in clients))
    assert left == [8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
