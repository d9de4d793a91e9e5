"""POSTs that take longer than a turn: everybody else has one meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import pytest

from tests.support.clocks import BusyClock
from tests.support.engines import Gateway, User, body
from yekta.engineio.packet import Packet
from yekta.engineio.polling import Polling
from yekta.rests import LONG, TURN
from yekta.web.request import Request

Start = Callable[..., Gateway]


class _Post:
    """One that has arrived; see `Exchange`."""

    def __init__(self) -> None:
        self.body = b"4a\x1e4b"
        self.answers: list[int] = []

    def respond(self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] = {}) -> None:
        self.answers.append(status)

    def respond_payload(self, content_type: str, payload: bytes, *, compress: bool) -> None:
        raise AssertionError("it is no poll")


def _work(user: User, data: Packet) -> None:
    """Takes longer than a turn."""
    user.connection.engine.clock.rightNow += 2 * TURN  # type: ignore[attr-defined]


def test_everybody_has_a_turn_while_a_long_post_is_handled(start: Start) -> None:
    gateway = start(then=_work)
    client = gateway.open()
    post = client.request("POST", "4a\x1e4b\x1e4c")
    assert gateway.user.messages() == ["a"]
    assert body(post) == "ok"
    assert gateway.user.messages() == ["a", "b", "c"]
    assert client.post("4d").status == 200, "it is over"


@pytest.mark.parametrize("payload", ["4a\x1e4b\x1e4c", "4" + "x" * LONG], ids=["many packets", "a long one"])
def test_of_posts_that_take_long_one_goes_on_in_each_turn(start: Start, payload: str) -> None:
    gateway = start(then=_work, clock=BusyClock(0.0))
    clients = [gateway.open() for _ in range(3)]
    posts = [client.request("POST", payload) for client in clients]
    heard = []
    while gateway.clock.getDelayedCalls() and len(heard) < 7:
        heard.append([len(user.messages()) for user in gateway.users])
        gateway.clock.advance(0)
    steps = [sum(later) - sum(earlier) for earlier, later in itertools.pairwise(heard)]
    assert max(steps) == 1, heard
    assert [body(post) for post in posts] == ["ok"] * 3
    assert [len(user.messages()) for user in gateway.users] == [len(payload.split("\x1e"))] * 3


def test_a_long_post_that_is_malformed_is_found_so_in_its_turn(start: Start) -> None:
    gateway = start(then=_work, clock=BusyClock(0.0))
    first, second = gateway.open(), gateway.open()
    first.request("POST", "4" + "x" * LONG)
    refused = second.request("POST", "4" + "x" * LONG + "\x1e?")
    assert gateway.user.told == []
    while gateway.engine.rests.crowded and gateway.clock.getDelayedCalls():
        gateway.clock.advance(TURN)
    assert refused.next_answer().status == 400
    assert gateway.user.told == [("lost", "parse error", "malformed packet")]


def test_what_a_long_post_brought_is_not_kept_beside_its_packets(gateway: Gateway) -> None:
    """Until all have had their turn: it may be a megabyte."""
    client = gateway.open()
    polling = gateway.engine.connections[client.sid].transport
    assert isinstance(polling, Polling)
    post = _Post()
    polling.request_received(Request("POST", "", {}, {}), post)
    assert gateway.user.messages() == ["a", "b"]
    assert post.body == b""
    assert post.answers == [200]


def test_a_post_without_a_body_while_a_long_one_is_handled(start: Start) -> None:
    gateway = start(then=_work)
    client = gateway.open()
    client.request("POST", "4a\x1e4b\x1e4c")
    assert client.post("").status == 400
    assert gateway.user.told == [("message", "a"), ("lost", "transport error", "overlap from client")]


def test_a_long_post_that_breaks_the_protocol_in_a_later_turn(start: Start) -> None:
    """Of protocol 3, whose payloads are not looked through before."""
    gateway = start(then=_work, allow_eio3=True)
    gateway.ask("EIO=3&transport=polling")
    query = f"EIO=3&transport=polling&sid={gateway.user.connection.sid}"
    post = gateway.ask(query, "POST", body=b"2:4a1:92:4c")
    assert gateway.user.told == [("message", "a")]
    assert post.next_answer().status == 400
    assert gateway.user.told == [("message", "a"), ("lost", "parse error", "unknown packet type")]


@pytest.mark.parametrize("watched", [False, True])
def test_who_hangs_up_while_a_long_post_is_handled_is_heard_to_the_end(start: Start, watched: bool) -> None:
    gateway = start(then=_work)
    if watched:
        gateway.engine.use(lambda request, headers: None)
    client = gateway.open()
    client.request("POST", "4a\x1e4b\x1e4c").hang_up()
    for _ in range(3):
        gateway.turn()
    assert gateway.user.messages() == ["a", "b", "c"]
    assert gateway.user.reasons() == []
