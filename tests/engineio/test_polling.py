"""Long polling, the common way. What is not common: `test_polling_edges`."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from tests.engineio.knocking import gone
from tests.support.engines import Gateway, User, body
from yekta.engineio.connection import OVERHEAD, Connection

Start = Callable[..., Gateway]


def echo(user: User, data: Any) -> None:
    user.connection.send(data)


def answer_twice(user: User, data: Any) -> None:
    """As an event and its acknowledgement may say the same."""
    user.connection.send(data)
    user.connection.send(data)


def test_a_post_brings_packets_and_is_answered_ok(gateway: Gateway) -> None:
    answer = gateway.open().post("4سلام\x1ebAP8=\x1e4")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"ok", "text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert gateway.user.messages() == ["سلام", b"\x00\xff", ""]


def test_a_get_fetches_what_waits_in_order(gateway: Gateway) -> None:
    client = gateway.open()
    for data in ("یک", b"\x00\xff", "three"):
        gateway.user.connection.send(data)
    poll = client.poll()
    assert body(poll) == "4یک\x1ebAP8=\x1e4three"


def test_a_get_waits_until_there_is_something(gateway: Gateway) -> None:
    client = gateway.open()
    assert gateway.user.drains == 1
    poll = client.poll()
    assert body(poll) is None
    # A client that asks for more takes more.
    assert gateway.user.drains == 2
    answered = len(poll.transport.writes)
    gateway.user.connection.send("now")
    assert len(poll.transport.writes) == answered
    assert gateway.user.drains == 2
    gateway.turn()
    assert body(poll) == "4now"
    assert gateway.user.drains == 3


def test_all_replies_to_one_post_leave_with_one_get(start: Start) -> None:
    gateway = start(echo)
    client = gateway.open()
    poll = client.poll()
    client.post("4a\x1e4b\x1e4c")
    gateway.turn()
    assert body(poll) == "4a\x1e4b\x1e4c"


def test_what_a_post_is_answered_leaves_nothing_to_the_next_turn(start: Start) -> None:
    flushed: list[Connection] = []
    gateway = start(echo)
    client = gateway.open()
    gateway.engine.flush_soon = flushed.append
    poll = client.poll()
    client.post("4a\x1e4b")
    assert body(poll) == "4a\x1e4b"
    assert flushed == []


def test_thousands_of_packets_fit_into_one_payload_both_ways(start: Start) -> None:
    gateway = start(echo)
    client = gateway.open()
    payload = "\x1e".join(f"4{number}" for number in range(10_000))
    assert client.post(payload).body == b"ok"
    assert gateway.user.messages() == [str(number) for number in range(10_000)]
    assert body(client.poll()) == payload


def test_thousands_of_pongs_are_nothing(gateway: Gateway) -> None:
    client, http = gateway.open(), gateway.client()
    target = f"/socket.io/?{client.query()}"
    assert http.ask("POST", target, body=b"3").body == b"ok"
    timers = len(gateway.clock.getDelayedCalls())
    assert http.ask("POST", target, body="\x1e".join("3" * 100_000).encode()).body == b"ok"
    assert len(gateway.clock.getDelayedCalls()) == timers
    assert gateway.user.told == []


def test_what_the_application_says_on_connection_comes_with_the_handshake(start: Start) -> None:
    gateway = start()
    connected = gateway.engine._connected

    def greet(connection: Connection) -> None:
        connected(connection)
        connection.send("welcome")

    gateway.engine._connected = greet
    assert (body(gateway.ask("EIO=4&transport=polling")) or "").split("\x1e")[1:] == ["4welcome"]


def test_a_client_that_hangs_up_on_its_poll_is_gone(gateway: Gateway) -> None:
    client = gateway.open()
    client.poll().hang_up()
    assert gateway.user.reasons() == ["transport error"]
    assert gone(gateway, client.sid)


def test_a_client_may_hang_up_on_an_answered_request(gateway: Gateway) -> None:
    client = gateway.open()
    client.request("POST", "4a").hang_up()
    gateway.user.connection.send("b")
    client.poll().hang_up()
    assert gateway.user.reasons() == []


def test_a_client_that_fetches_nothing_is_cut_as_a_slow_consumer(start: Start) -> None:
    gateway = start(max_queued=1000)
    client = gateway.open()
    connection = gateway.user.connection
    for _ in range(10):
        connection.send("a" * (99 - OVERHEAD))
    assert gateway.user.reasons() == []
    connection.send("")
    assert gateway.user.told == [("lost", "transport error", "slow consumer")]
    assert gone(gateway, client.sid)


@pytest.mark.parametrize("text", ["a", "سلام سلام سلام سلام", "😀" * 20], ids=["tiny", "Persian", "emoji"])
def test_what_waits_for_a_client_takes_what_is_counted(start: Start, text: str) -> None:
    # The least of some: whatever else is at work in this process is counted, too.
    assert 50_000 < min(most_that_waits(start(max_queued=100_000), text) for _ in range(3)) < 130_000


def most_that_waits(gateway: Gateway, text: str) -> int:
    """The bytes that ``text``, said again and again, takes before the client is cut."""
    gateway.open()
    connection, told = gateway.user.connection, len(gateway.user.told)
    taken = 0
    tracemalloc.start()
    try:
        while len(gateway.user.told) == told:
            taken = tracemalloc.get_traced_memory()[0]
            connection.send(text)
    finally:
        tracemalloc.stop()
    return taken


@pytest.mark.parametrize("said_in", ["a POST", "one turn"])
def test_what_is_said_at_once_to_a_poll_that_waits_may_be_more_than_the_bound(start: Start, said_in: str) -> None:
    gateway = start(answer_twice, max_queued=1000)
    client = gateway.open()
    poll = client.poll()
    if said_in == "a POST":
        assert client.post("4" + "a" * 900).body == b"ok"
    else:
        answer_twice(gateway.user, "a" * 900)
        gateway.turn()
    assert body(poll) == "4" + "a" * 900
    assert body(client.poll()) == "4" + "a" * 900
    assert gateway.user.reasons() == []


def test_a_message_larger_than_the_bound_waits_for_its_turn(start: Start) -> None:
    gateway = start(max_queued=1000)
    client = gateway.open()
    gateway.user.connection.send("a" * 5000)
    assert body(client.poll()) == "4" + "a" * 5000
    for _ in range(3):
        gateway.user.connection.send("b" * 900)
        assert body(client.poll()) == "4" + "b" * 900


def test_it_flows_only_while_a_poll_waits(gateway: Gateway) -> None:
    client = gateway.open()
    connection = gateway.user.connection
    assert not connection.flowing
    poll = client.poll()
    assert connection.flowing
    connection.send("a")
    assert not connection.flowing
    gateway.turn()
    assert body(poll) == "4a"
    connection.close()
    assert not connection.flowing
